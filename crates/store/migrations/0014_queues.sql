-- How often a timer has failed to fire; the pause before the next try grows with it.
ALTER TABLE timer ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;

-- due: not to be delivered before this time; 0 unless a delivery has failed. Events of one lane keep their order.
ALTER TABLE event ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN due BIGINT NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN lane TEXT NOT NULL DEFAULT '';
CREATE INDEX event_held ON event (lane, seq) WHERE published IS NULL AND due > 0;
