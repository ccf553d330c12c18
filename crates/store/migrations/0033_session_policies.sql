-- A session that has a policy of its own may do what that allows, whatever its role may. Empty: none.
ALTER TABLE sts_session ADD COLUMN policy TEXT NOT NULL DEFAULT '';
