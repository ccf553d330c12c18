//! The one way in which refs change: compare, update and append the events in one transaction, then copy to disk.
//!
//! The ids of events follow from the repository, the number of the change and the place in it, so no event can be
//! published twice under different ids. A crash after the transaction leaves a copy on disk with an old number, which
//! `open_for_git` brings up to date before it is read.

use std::collections::{BTreeMap, BTreeSet};

use base::{ApiError, Event, derived_uuid};
use git::{BoxFuture, ObjectId, PublishError, RefChange, RefPublisher, RefRefusal};
use platform::Cx;
use serde_json::{Value, json};
use store::tables::codecommit_repository::Row;
use store::tables::{codecommit_push, codecommit_ref, codecommit_repository};
use store::{Store, Tx, events};

type Answers = Vec<Result<(), RefRefusal>>;

/// Publishes pushes into one repository on behalf of one caller.
pub struct Publisher {
    cx: Cx,
    repository: git::Repository,
}

impl Publisher {
    /// For a push by the caller of `cx`.
    pub fn new(cx: Cx, repository: git::Repository) -> Self {
        Publisher { cx, repository }
    }
}

impl RefPublisher for Publisher {
    fn publish<'a>(&'a self, changes: &'a [RefChange], atomic: bool) -> BoxFuture<'a, Result<Answers, PublishError>> {
        Box::pin(publish(&self.cx, &self.repository, changes, atomic))
    }
}

/// Applies the changes that fit, or with `atomic` all or none; answers for each.
pub async fn publish(
    cx: &Cx,
    repository: &git::Repository,
    changes: &[RefChange],
    atomic: bool,
) -> Result<Answers, PublishError> {
    let (id, wanted) = (repository.id().to_owned(), changes.to_vec());
    let caller = cx.caller.principal.arn.clone();
    let brought = match brought(cx, repository, changes).await {
        Ok(brought) => brought,
        // Its objects go with it.
        Err(_) if is_gone(cx, &id).await? => return Err(PublishError::Gone),
        Err(e) => return Err(PublishError::Store(Box::new(e))),
    };
    let committed = cx
        .store
        .write(move |tx| {
            let (id, wanted, caller, brought) = (id.clone(), wanted.clone(), caller.clone(), brought.clone());
            Box::pin(async move { commit(tx, &id, &wanted, atomic, (&caller, &brought)).await })
        })
        .await;
    let answers = match committed {
        Ok(answers) => answers,
        Err(Failure::Refused(answers)) => return Ok(answers),
        Err(Failure::Gone) => return Err(PublishError::Gone),
        Err(Failure::Store(e)) => return Err(PublishError::Store(Box::new(e))),
    };
    if let Err(e) = mirror(&cx.store, repository).await {
        // The change has happened; whoever reads the copy next makes it anew.
        tracing::warn!(repository.id = repository.id(), error = %e, "refs could not be copied to disk");
    }
    Ok(answers)
}

async fn is_gone(cx: &Cx, id: &str) -> Result<bool, PublishError> {
    let found = async { codecommit_repository::get(&mut cx.store.read().await?, id).await };
    let found: Result<_, store::Error> = found.await;
    found.map(|row| row.is_none()).map_err(|e| PublishError::Store(Box::new(e)))
}

/// So many commits of one push are noted with who pushed them, those next to its tips first.
const MAX_NOTED: usize = 1000;

/// The commits that the changes bring into the repository, and those that they point refs at.
async fn brought(cx: &Cx, repository: &git::Repository, changes: &[RefChange]) -> Result<Vec<String>, ApiError> {
    let tips: Vec<ObjectId> = changes.iter().map(|change| change.new).filter(|id| !id.is_null()).collect();
    if tips.is_empty() {
        return Ok(Vec::new());
    }
    let refs = codecommit_ref::all(&mut cx.store.read().await?, repository.id()).await?;
    let known: Vec<ObjectId> = refs.iter().filter_map(|r| ObjectId::parse(&r.object)).collect();
    let repository = repository.clone();
    super::repository::blocking(move || {
        let mut commits = BTreeSet::new();
        for tip in &tips {
            commits.extend(repository.peel(*tip)?.map(|id| id.to_string()));
        }
        let news = repository.commits_between(&tips, &known, MAX_NOTED)?;
        commits.extend(news.into_iter().map(|id| id.to_string()));
        Ok(commits.into_iter().collect())
    })
    .await
}

/// Applies one change, for operations. The inner error says why it does not fit.
pub(super) async fn one(
    cx: &Cx,
    row: &Row,
    repository: &git::Repository,
    change: RefChange,
) -> Result<Result<(), RefRefusal>, ApiError> {
    match publish(cx, repository, &[change], true).await {
        Ok(answers) => answers.into_iter().next().ok_or_else(|| ApiError::internal("a ref change without an answer")),
        Err(PublishError::Gone) => Err(super::errors::repository_does_not_exist(&row.name)),
        Err(e @ PublishError::Store(_)) => Err(ApiError::internal(e)),
    }
}

/// Copies the refs in the store to disk.
pub async fn mirror(store: &Store, repository: &git::Repository) -> Result<(), ApiError> {
    let target = repository.clone();
    let lock = super::repository::blocking(move || target.lock()).await?;
    // Read under the lock and the number first: then a copy is never newer than its number, nor replaced by an older.
    let (row, refs) = {
        let mut tx = store.read().await?;
        let Some(row) = codecommit_repository::get(&mut tx, repository.id()).await? else { return Ok(()) };
        let refs = codecommit_ref::all(&mut tx, &row.id).await?;
        (row, refs)
    };
    let target = repository.clone();
    super::repository::blocking(move || {
        let refs: Vec<_> = refs.into_iter().filter_map(|r| Some((r.name, ObjectId::parse(&r.object)?))).collect();
        let head = row.default_branch.map(|branch| format!("refs/heads/{branch}"));
        target.mirror(&lock, &refs, head.as_deref(), row.ref_number)
    })
    .await
}

enum Failure {
    /// Nothing was changed, for these reasons.
    Refused(Answers),
    Gone,
    Store(store::Error),
}

impl From<store::Error> for Failure {
    fn from(e: store::Error) -> Self {
        Failure::Store(e)
    }
}

async fn commit(
    tx: &mut Tx,
    id: &str,
    changes: &[RefChange],
    atomic: bool,
    (caller, brought): (&str, &[String]),
) -> Result<Answers, Failure> {
    let now = tx.now();
    let row = codecommit_repository::next_number(tx, id, now).await?.ok_or(Failure::Gone)?;
    let mut refs = Refs(codecommit_ref::all(tx, id).await?.into_iter().map(|r| (r.name, r.object)).collect());
    let mut answers = Vec::with_capacity(changes.len());
    for change in changes {
        let answer = refs.apply(change, row.default_branch.as_deref());
        answers.push(answer.map_err(|reason| RefRefusal(reason.to_owned())));
    }
    let refused = answers.iter().filter(|a| a.is_err()).count();
    if refused == answers.len() || (atomic && refused > 0) {
        let whole = || Err(RefRefusal("atomic push failure".to_owned()));
        return Err(Failure::Refused(answers.into_iter().map(|a| a.and_then(|()| whole())).collect()));
    }
    let done: Vec<&RefChange> = changes.iter().zip(&answers).filter(|(_, a)| a.is_ok()).map(|(c, _)| c).collect();
    for (place, change) in done.iter().enumerate() {
        if change.new.is_null() {
            codecommit_ref::delete(tx, id, &change.name).await?;
        } else {
            codecommit_ref::set(tx, id, &change.name, &change.new.to_string()).await?;
        }
        if let Some(event) = event(&row, change, caller) {
            let number = row.ref_number.to_string();
            let event_id = derived_uuid(&["codecommit", id, &number, &place.to_string()]);
            events::append(tx, &row.scope, &event, &event_id.to_string()).await?;
        }
    }
    codecommit_push::add(tx, id, brought, caller).await?;
    if row.default_branch.is_none()
        && let Some(branch) = first_default(&done)
    {
        codecommit_repository::set_default_branch(tx, id, &branch).await?;
    }
    Ok(answers)
}

/// The refs as they will be, by name.
struct Refs(BTreeMap<String, String>);

impl Refs {
    fn apply(&mut self, change: &RefChange, default_branch: Option<&str>) -> Result<(), &'static str> {
        let RefChange { name, old, new } = change;
        let now = self.0.get(name).map_or(ObjectId::NULL.to_string(), String::clone);
        if now != old.to_string() {
            return Err(if old.is_null() { "reference already exists" } else { "incorrect old value provided" });
        }
        if new.is_null() {
            if name.strip_prefix("refs/heads/").is_some_and(|branch| Some(branch) == default_branch) {
                return Err("deletion of the default branch prohibited");
            }
            self.0.remove(name);
            return Ok(());
        }
        // A name cannot be a file and a folder at once in git's own storage, which clones use.
        let below = format!("{name}/");
        let folder = self.0.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below));
        let in_file = name.match_indices('/').any(|(at, _)| name.get(..at).is_some_and(|n| self.0.contains_key(n)));
        if old.is_null() && (folder || in_file) {
            return Err("cannot lock ref: a ref with this name as its folder, or the other way round, exists");
        }
        self.0.insert(name.clone(), new.to_string());
        Ok(())
    }
}

/// The default branch after the first push: as AWS, the branch that came first; of several at once `main`, `master`,
/// or the first as sent.
fn first_default(changes: &[&RefChange]) -> Option<String> {
    let branches = || changes.iter().filter(|c| !c.new.is_null()).filter_map(|c| c.name.strip_prefix("refs/heads/"));
    let named = ["main", "master"].into_iter().find(|name| branches().any(|b| b == *name));
    named.or_else(|| branches().next()).map(str::to_owned)
}

/// `CodeCommit Repository State Change`; none for refs that are neither branches nor tags.
fn event(row: &Row, change: &RefChange, caller: &str) -> Option<Event> {
    let (kind, short) = match change.name.strip_prefix("refs/heads/") {
        Some(short) => ("branch", short),
        None => ("tag", change.name.strip_prefix("refs/tags/")?),
    };
    let what = match (change.old.is_null(), change.new.is_null()) {
        (true, _) => "referenceCreated",
        (false, false) => "referenceUpdated",
        (false, true) => "referenceDeleted",
    };
    let mut detail = json!({
        "event": what,
        "repositoryName": row.name,
        "repositoryId": row.id,
        "referenceType": kind,
        "referenceName": short,
        "referenceFullName": change.name,
        "callerUserArn": caller,
    });
    if let Value::Object(members) = &mut detail {
        if !change.new.is_null() {
            members.insert("commitId".to_owned(), change.new.to_string().into());
        }
        if !change.old.is_null() {
            members.insert("oldCommitId".to_owned(), change.old.to_string().into());
        }
    }
    Some(Event {
        source: "aws.codecommit".to_owned(),
        detail_type: "CodeCommit Repository State Change".to_owned(),
        resources: vec![row.scope.arn("codecommit", row.name.clone()).to_string()],
        detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::parse(&format!("{n:040x}")).unwrap()
    }

    fn change(name: &str, old: u8, new: u8) -> RefChange {
        RefChange { name: format!("refs/heads/{name}"), old: id(old), new: id(new) }
    }

    #[test]
    fn a_change_applies_only_to_the_value_that_it_expects() {
        let mut refs = Refs(BTreeMap::new());
        assert_eq!(refs.apply(&change("a", 0, 1), None), Ok(()));
        assert!(refs.apply(&change("a", 0, 2), None).is_err());
        assert!(refs.apply(&change("a", 2, 3), None).is_err());
        assert_eq!(refs.apply(&change("a", 1, 3), None), Ok(()));
        assert!(refs.apply(&change("a", 3, 0), Some("a")).is_err());
        assert_eq!(refs.apply(&change("a", 3, 0), Some("b")), Ok(()));
    }

    #[test]
    fn a_name_is_not_both_branch_and_folder() {
        let mut refs = Refs(BTreeMap::new());
        assert_eq!(refs.apply(&change("a/b", 0, 1), None), Ok(()));
        assert_eq!(refs.apply(&change("a-", 0, 1), None), Ok(()));
        assert!(refs.apply(&change("a", 0, 1), None).is_err());
        assert!(refs.apply(&change("a/b/c", 0, 1), None).is_err());
        assert_eq!(refs.apply(&change("a/c", 0, 1), None), Ok(()));
    }

    #[test]
    fn of_several_first_branches_main_becomes_the_default() {
        let (dev, main, gone) = (change("dev", 0, 1), change("main", 0, 1), change("old", 1, 0));
        assert_eq!(first_default(&[&gone, &dev, &main]).as_deref(), Some("main"));
        assert_eq!(first_default(&[&gone, &dev]).as_deref(), Some("dev"));
        assert_eq!(first_default(&[&gone]), None);
    }
}
