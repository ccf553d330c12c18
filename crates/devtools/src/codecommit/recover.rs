//! What to tidy after a start.

use base::ApiError;
use platform::Site;
use store::Store;
use store::tables::codecommit_repository;

use super::repository::{blocking, repositories};

/// Deletes folders of repositories that no row names, and what cut-off pushes left. To be called before requests are
/// served. A store that knows no repository at all deletes none: it may well be the wrong store (a new database for an
/// old data folder, say). Copies of refs that are behind need nothing: they show it by their number and are renewed when read.
pub async fn recover(store: &Store, site: &Site) -> Result<(), ApiError> {
    let all = repositories(site);
    let list = all.clone();
    let on_disk = blocking(move || list.ids()).await?;
    if on_disk.is_empty() {
        return Ok(());
    }
    let known = codecommit_repository::ids(&mut store.read().await?).await?;
    let known: std::collections::BTreeSet<String> = known.into_iter().collect();
    if known.is_empty() {
        let folders = on_disk.len();
        tracing::warn!(folders, "the data folder has git repositories of which the database knows none; they stay");
        return Ok(());
    }
    blocking(move || {
        for id in on_disk {
            if known.contains(&id) {
                all.open(&id)?.recover()?;
            } else {
                tracing::info!(repository.id = id, "deleting the folder of a repository that no longer exists");
                all.delete(&id)?;
            }
        }
        Ok(())
    })
    .await
}
