//! Jobs, as the driver queues them and takes them back.

use std::sync::Arc;
use std::time::Duration;

use base::{ApiError, Machine as _};
use devtools::codepipeline;
use engine::job::{Job, NewJob};
use engine::pipeline::{Execution, ExecutionInput};
use serde_json::json;
use store::testing::each_engine;
use store::{machine, outbox};
use tokio::sync::Notify;

use super::PipelinePerformer;
use super::tests::{World, action, input, machines, world};
use crate::Performer as _;

impl World {
    /// An execution of a pipeline whose source is a worker's.
    async fn with_worker(&self) -> String {
        let kind = json!({
            "category": "Source", "provider": "Mine", "version": "1",
            "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 0},
            "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        });
        codepipeline::create_custom_action_type(&self.cx.cx, input(kind)).await.unwrap();
        let mut source = action("Src", "Source", "Mine", json!({}), (&[], &["Src"]));
        source["actionTypeId"]["owner"] = json!("Custom");
        self.create(source, action("Ok", "Approval", "Manual", json!({}), (&[], &[]))).await
    }
}

#[tokio::test]
async fn an_execution_that_is_stopped_in_the_same_moment_leaves_no_job_behind() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let id = world.with_worker().await;
        let store = world.cx.cx.store.clone();
        let claimed = outbox::claim(&store, "test", 20, Duration::from_secs(60)).await.unwrap();
        let claimed = claimed.into_iter().find(|c| c.kind == Execution::KIND).unwrap();

        let (stopped, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stop = {
            let (stopped, go_on) = (stopped.clone(), go_on.clone());
            store.write(move |tx| {
                let (id, stopped, go_on) = (id.clone(), stopped.clone(), go_on.clone());
                Box::pin(async move {
                    let stop = ExecutionInput::Stop { abandon: true, reason: None, by: "ann".to_owned() };
                    store::advance::<Execution>(tx, &id, stop).await.map_err(ApiError::internal)?;
                    stopped.notify_one();
                    go_on.notified().await;
                    Ok::<_, ApiError>(())
                })
            })
        };
        let begin = async {
            stopped.notified().await;
            let mut begin = PipelinePerformer.perform(&world.cx, &claimed);
            // It waits for the other transaction, which nothing tells of: what is too slow here proves nothing, and fails nothing.
            let early = tokio::time::timeout(Duration::from_millis(300), &mut begin).await;
            go_on.notify_one();
            match early {
                Ok(done) => done,
                Err(_) => begin.await,
            }
        };
        let (stop, begin) = tokio::join!(stop, begin);
        stop.unwrap();
        begin.unwrap();
        let mut tx = store.read().await.unwrap();
        let job = machine::get::<Job>(&mut tx, &NewJob::id(&claimed.key, 1)).await.unwrap();
        assert_eq!(job.map(|row| row.state.phase), None);
    })
    .await;
}
