-- put_by: who put a custom event (an ARN); none for events of our own services.
ALTER TABLE event ADD COLUMN put_by TEXT;
