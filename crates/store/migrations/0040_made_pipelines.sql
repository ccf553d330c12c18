-- The pipeline that has made it, or empty.
ALTER TABLE codepipeline_pipeline ADD COLUMN parent TEXT NOT NULL DEFAULT '';
CREATE INDEX codepipeline_pipeline_parent ON codepipeline_pipeline (account, region, parent);
