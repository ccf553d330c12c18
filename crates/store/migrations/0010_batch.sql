-- The newest buildBatchNumber.
ALTER TABLE codebuild_project ADD COLUMN last_batch BIGINT NOT NULL DEFAULT 0;
