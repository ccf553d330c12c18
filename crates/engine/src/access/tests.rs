use formats::policy::{Kind, parse};

use super::*;
use formats::policy::Document;

fn alice() -> Subject {
    Subject {
        account: "123456789012".into(),
        user_id: "AIDAALICE".into(),
        kind: SubjectKind::User { arn: "arn:aws:iam::123456789012:user/alice".into() },
    }
}

fn service(name: &str) -> Subject {
    Subject { account: "123456789012".into(), user_id: name.into(), kind: SubjectKind::Service(name.into()) }
}

fn ask(statements: &str, action: &str, resource: &str, context: &Context) -> Verdict {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policies = Policies { identity: vec![parse(&text, Kind::Identity).unwrap()], ..Policies::default() };
    let request = Request { subject: &alice(), action, resources: &[resource.to_owned()], context };
    decide(Enforcement::On, &request, &policies)
}

#[test]
fn nothing_is_allowed_that_no_policy_allows() {
    let allow = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}"#;
    let none = Context::new();
    assert_eq!(ask(allow, "s3:getobject", "arn:aws:s3:::b/k", &none), Verdict::Allowed);
    assert_eq!(ask(allow, "s3:PutObject", "arn:aws:s3:::b/k", &none), Verdict::DeniedByDefault);
    assert_eq!(ask(allow, "s3:GetObject", "arn:aws:s3:::c/k", &none), Verdict::DeniedByDefault);
}

#[test]
fn a_deny_wins_over_every_allow() {
    let both = r#"{"Effect":"Allow","Action":"*","Resource":"*"},
                  {"Effect":"Deny","NotAction":"s3:*","Resource":"*"}"#;
    assert_eq!(ask(both, "s3:GetObject", "*", &Context::new()), Verdict::Allowed);
    assert_eq!(ask(both, "iam:CreateUser", "*", &Context::new()), Verdict::DeniedExplicitly);
}

#[test]
fn a_boundary_limits_and_the_root_has_no_limits() {
    let document = |s: &str| parse(&format!(r#"{{"Statement":{s}}}"#), Kind::Identity).unwrap();
    let policies = Policies {
        identity: vec![document(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#)],
        boundary: Some(document(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#)),
        resource: Vec::new(),
    };
    let resources = ["*".to_owned()];
    let context = Context::new();
    let mut subject = alice();
    let ask = |subject: &Subject, enforcement| {
        decide(
            enforcement,
            &Request { subject, action: "iam:GetUser", resources: &resources, context: &context },
            &policies,
        )
    };
    assert_eq!(ask(&subject, Enforcement::On), Verdict::DeniedByDefault);
    assert_eq!(ask(&subject, Enforcement::Builds), Verdict::Allowed);
    subject.kind = SubjectKind::Root;
    assert_eq!(ask(&subject, Enforcement::On), Verdict::Allowed);
}

#[test]
fn conditions_and_variables_look_at_the_request() {
    let context: Context = [
        ("aws:username".to_owned(), vec!["alice".to_owned()]),
        ("aws:sourceip".to_owned(), vec!["10.1.2.3".to_owned()]),
    ]
    .into();
    let with = |c: &str, r: &str| format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{r}","Condition":{c}}}"#);
    let home = "arn:aws:s3:::home/alice/x";
    let ask = |c: &str| ask(&with(c, "arn:aws:s3:::home/${aws:username}/*"), "s3:GetObject", home, &context);
    for yes in [
        r#"{"IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}}"#,
        r#"{"StringLike":{"aws:UserName":"al*"}}"#,
        r#"{"StringNotEquals":{"aws:Missing":"x"}}"#,
        r#"{"StringEqualsIfExists":{"aws:Missing":"x"}}"#,
        r#"{"Null":{"aws:Missing":"true"}}"#,
    ] {
        assert_eq!(ask(yes), Verdict::Allowed, "{yes}");
    }
    for no in [
        r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        r#"{"StringEquals":{"aws:Missing":"x"}}"#,
        r#"{"StringEquals":{"aws:username":"bob"}}"#,
        r#"{"Null":{"aws:username":"true"}}"#,
    ] {
        assert_eq!(ask(no), Verdict::DeniedByDefault, "{no}");
    }
}

#[test]
fn a_trust_policy_names_accounts_users_services_and_their_conditions() {
    let trust = |principal: &str, condition: &str| {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}{condition}}}}}"#
        );
        parse(&text, Kind::Trust).unwrap()
    };
    let none = Context::new();
    let asks = |document: &Document, subject: &Subject, context: &Context| {
        trusts(document, subject, "sts:AssumeRole", context).is_allowed()
    };
    let account = trust(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, "");
    assert!(asks(&account, &alice(), &none));
    assert!(!asks(&account, &service("codebuild.amazonaws.com"), &none));
    let codebuild = trust(r#"{"Service":"codebuild.amazonaws.com"}"#, "");
    assert!(asks(&codebuild, &service("codebuild.amazonaws.com"), &none));
    assert!(!asks(&codebuild, &service("codepipeline.amazonaws.com"), &none));
    assert!(!asks(&codebuild, &alice(), &none));
    let external = trust(r#"{"AWS":"123456789012"}"#, r#","Condition":{"StringEquals":{"sts:ExternalId":"k"}}"#);
    assert!(!asks(&external, &alice(), &none));
    assert!(asks(&external, &alice(), &[("sts:externalid".to_owned(), vec!["k".to_owned()])].into()));
}

#[test]
fn a_build_is_held_to_its_policies_and_without_any_may_do_nothing() {
    let subject = Subject {
        account: "123456789012".into(),
        user_id: "AROAB:AWSCodeBuild-0".into(),
        kind: SubjectKind::BuildSession {
            arn: "arn:aws:sts::123456789012:assumed-role/b/AWSCodeBuild-0".into(),
            role_arn: "arn:aws:iam::123456789012:role/b".into(),
        },
    };
    let ask = |action: &str, resources: &[&str], policies: &Policies| {
        let resources: Vec<String> = resources.iter().map(|r| (*r).to_owned()).collect();
        let context = Context::new();
        let request = Request { subject: &subject, action, resources: &resources, context: &context };
        decide(Enforcement::Builds, &request, policies)
    };
    let none = Policies::default();
    assert_eq!(ask("sts:GetCallerIdentity", &["*"], &none), Verdict::Allowed);
    for action in ["s3:GetObject", "codebuild:StartBuild", "codepipeline:PutApprovalResult", "sts:AssumeRole"] {
        assert_eq!(ask(action, &["*"], &none), Verdict::DeniedByDefault, "{action}");
    }
    let text = r#"{"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:q"},
        {"Effect":"Deny","Action":"sqs:Delete*","Resource":"arn:aws:sqs:*:*:kept"}]}"#;
    let some = Policies { identity: vec![parse(text, Kind::Identity).unwrap()], ..Policies::default() };
    assert_eq!(ask("s3:GetObject", &["*"], &some), Verdict::DeniedByDefault);
    assert_eq!(ask("sts:GetCallerIdentity", &["*"], &some), Verdict::Allowed);
}

#[test]
fn a_log_group_is_meant_with_and_without_its_streams() {
    let group = "arn:aws:logs:eu-central-1:123456789012:log-group:/g";
    let none = Context::new();
    let ask = |pattern: &str, resource: &str| {
        let statement = format!(r#"{{"Effect":"Allow","Action":"logs:*","Resource":"{pattern}"}}"#);
        ask(&statement, "logs:DeleteLogGroup", resource, &none).is_allowed()
    };
    let whole = format!("{group}:log-stream:");
    assert!(ask(group, &whole));
    assert!(ask(&format!("{group}:*"), &whole));
    assert!(!ask(group, &format!("{whole}s")));
    assert!(!ask(&format!("{group}2"), &whole));
}

#[test]
fn where_a_key_is_not_known_every_deny_on_it_counts_and_no_allow() {
    let context: Context = [("codestar-notifications:notificationsforresource".to_owned(), Vec::new())].into();
    let wide = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let with = |effect: &str, operator: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"*","Resource":"*",
                "Condition":{{"{operator}":{{"codestar-notifications:NotificationsForResource":"arn:aws:a:b:c:d"}}}}}}"#
        )
    };
    for operator in ["StringEquals", "StringNotEquals", "ArnLike", "StringEqualsIfExists"] {
        let both = format!("{wide},{}", with("Deny", operator));
        assert_eq!(ask(&both, "x:Y", "*", &context), Verdict::DeniedExplicitly, "{operator}");
        let narrow = with("Allow", operator);
        assert_eq!(ask(&narrow, "x:Y", "*", &context), Verdict::DeniedByDefault, "{operator}");
    }
}

#[test]
fn where_a_resource_is_not_known_every_deny_counts_and_no_narrow_allow() {
    let none = Context::new();
    let ask = |statements: &str, action: &str| {
        let text = format!(r#"{{"Statement":[{statements}]}}"#);
        let policies = Policies { identity: vec![parse(&text, Kind::Identity).unwrap()], ..Policies::default() };
        let request = Request { subject: &alice(), action, resources: &[], context: &none };
        decide(Enforcement::On, &request, &policies)
    };
    let wide = r#"{"Effect":"Allow","Action":"codecommit:*","Resource":"*"}"#;
    let deny = r#"{"Effect":"Deny","Action":"codecommit:*","Resource":"arn:aws:codecommit:*:*:kept"}"#;
    let narrow = r#"{"Effect":"Allow","Action":"codecommit:*","Resource":"arn:aws:codecommit:*:*:*"}"#;
    let except = r#"{"Effect":"Allow","Action":"codecommit:*","NotResource":"arn:aws:codecommit:*:*:kept"}"#;
    assert_eq!(ask(wide, "codecommit:GetBranch"), Verdict::Allowed);
    assert_eq!(ask(&format!("{wide},{deny}"), "codecommit:GetBranch"), Verdict::DeniedExplicitly);
    assert_eq!(ask(narrow, "codecommit:GetBranch"), Verdict::DeniedByDefault);
    assert_eq!(ask(except, "codecommit:GetBranch"), Verdict::DeniedByDefault);
}
