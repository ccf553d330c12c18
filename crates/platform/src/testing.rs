//! Contexts for tests.

use std::sync::Arc;

use base::{AccountId, Region, Scope, SequentialIds};
use store::objects::Objects;
use store::testing::TestStore;

use crate::{Caller, Cx, Disk, Principal, SealingKey, Site};

/// The root of account 123456789012 in eu-central-1, with predictable identifiers and the store's fake clock.
pub fn cx(test: &TestStore) -> Cx {
    let ids = Arc::new(SequentialIds::default());
    let objects = Objects::open(test.dir.path().join("objects"), ids.clone());
    let scope = Scope {
        account: AccountId::parse("123456789012").unwrap_or_else(|| unreachable!("twelve digits")),
        region: Region::parse("eu-central-1").unwrap_or_else(|| unreachable!("a region's name")),
    };
    let principal = Principal {
        arn: scope.global_arn("iam", "root").to_string(),
        user_id: scope.account.as_str().to_owned(),
        access_key: None,
        rights: None,
    };
    Cx {
        store: test.store.clone(),
        objects: objects.unwrap_or_else(|e| panic!("a test's folder can be opened: {e}")),
        clock: test.clock.clone(),
        ids,
        caller: Caller {
            scope,
            principal,
            request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
        },
        credentials: Arc::default(),
        site: Arc::new(Site {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            loopback: Some("http://127.0.0.1:4566".to_owned()),
            front: None,
            data_dir: test.dir.path().to_owned(),
            disk: Arc::new(Disk::unwatched()),
            key: Arc::new(SealingKey::new(&[7; 32])),
            max_builds: None,
            max_executions: Some(50),
            // Roles that tests name need not exist.
            local_sources: Vec::new(),
            builds_in_place: false,
            test_mode: true,
            lenient_runtimes: false,
        }),
    }
}
