-- put_by: who put the target (an ARN). received: when a custom event was taken in, in microseconds; its time is what it says itself.
ALTER TABLE events_target ADD COLUMN put_by TEXT;
ALTER TABLE event ADD COLUMN received BIGINT;
