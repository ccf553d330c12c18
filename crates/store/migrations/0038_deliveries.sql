-- expires: when a delivery is forgotten; none for one that could come again for as long as its webhook is there.
ALTER TABLE codepipeline_delivery ADD COLUMN expires BIGINT;
UPDATE codepipeline_delivery SET expires = taken + 2592000000000 WHERE mark LIKE 'id:%';
DROP INDEX codepipeline_delivery_by_time;
CREATE INDEX codepipeline_delivery_by_end ON codepipeline_delivery (expires);
