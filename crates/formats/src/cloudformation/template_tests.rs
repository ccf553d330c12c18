use super::super::readable;
use super::*;
use crate::yaml;

const TEXT: &str = r#"
Parameters:
  Name: {Type: String, Default: shop}
  Owner: {Type: String}
  Zones: {Type: CommaDelimitedList, Default: "a, b"}
  Empty: {Type: String, Default: ""}
Mappings:
  Sizes: {small: {count: 3}}
Conditions:
  IsShop: !Equals [!Ref Name, shop]
  HasNone: !Not [!Equals [!Ref Empty, ""]]
  Owned: !Equals [!Ref Owner, me]
  Both: !And [!Condition IsShop, Condition: HasNone]
  Any: {"Fn::Or": [{Condition: Owned}, {Condition: IsShop}]}
  Loop: !Not [!Condition Loop]
Resources:
  Bucket: {Type: "AWS::S3::Bucket"}
  Values: {Type: "Test", Properties: {}}
"#;

#[track_caller]
fn settled(expression: &str) -> Option<String> {
    let (root, _) = yaml::parse(TEXT).unwrap();
    let (node, _) = yaml::parse(&format!("x: {expression}\n")).unwrap();
    let template = Template::new(&root, None, true);
    let node = template.settle(node.get("x").unwrap())?;
    Some(match &node.value {
        Value::Scalar { text, .. } => readable(text),
        Value::Sequence(items) => items.iter().map(|i| i.as_text().unwrap_or("?")).collect::<Vec<_>>().join("|"),
        Value::Mapping(_) => "mapping".to_owned(),
    })
}

#[test]
fn what_the_template_says_is_settled() {
    let is = |expression: &str, value: &str| assert_eq!(settled(expression).as_deref(), Some(value), "{expression}");
    is("!Ref Name", "shop");
    is("{Ref: Name}", "shop");
    is("!Ref Zones", "a|b");
    is("!Sub '${Name}-${!Name}-${AWS::Partition}'", "shop-${Name}-aws");
    is("{'Fn::Sub': ['${A}/${Name}', {A: !Ref Name}]}", "shop/shop");
    is("!Join ['-', [!Ref Name, x]]", "shop-x");
    is("!FindInMap [Sizes, small, count]", "3");
    is("!Select [1, !Ref Zones]", "b");
    is("!Split [',', 'a,b']", "a|b");
    is("!If [IsShop, yes, no]", "yes");
    is("!If [HasNone, yes, no]", "no");
    is("!If [Both, yes, no]", "no");
    is("!If [Any, yes, no]", "yes");
    assert_eq!(settled("!Ref AWS::NoValue"), None);
    assert_eq!(settled("!If [HasNone, x, !Ref AWS::NoValue]"), None);
    is("[a, !If [HasNone, x, !Ref AWS::NoValue], b]", "a|b");
}

#[test]
fn what_the_deployment_says_is_open() {
    let is = |expression: &str, value: &str| assert_eq!(settled(expression).as_deref(), Some(value), "{expression}");
    is("!Ref Owner", "${Owner}");
    is("!Ref Bucket", "${Bucket}");
    is("!Ref Empty", "${Empty}");
    is("!GetAtt Bucket.Arn", "${GetAtt Bucket.Arn}");
    is("!Sub '${Name}-${AWS::Region}'", "shop-${AWS::Region}");
    is("!ImportValue x", "${ImportValue x}");
    is("!Select [7, !Ref Zones]", "${Select 7 Zones}");
    is("!Split [',', !Ref Owner]", "${Split , Owner}");
    is("!FindInMap [Sizes, !Ref Owner, count]", "${FindInMap Sizes Owner count}");
    assert_eq!(settled("!If [Owned, !Ref AWS::NoValue, there]"), None);
    is("'{{resolve:ssm:/a}}'", "${((resolve:ssm:/a))}");
    is("!If [Loop, a, b]", "a");
}

#[test]
fn a_template_that_copies_itself_many_times_stays_small() {
    let long = "x".repeat(4000);
    let refs = "- !Ref P\n".repeat(20_000);
    let text = format!("Parameters: {{P: {{Type: String, Default: {long}}}}}\nList:\n{refs}");
    let (root, _) = yaml::parse(&text).unwrap();
    let settled = Template::new(&root, None, true).settle(root.get("List").unwrap()).unwrap();
    let bytes: usize = settled.as_sequence().unwrap().iter().filter_map(Node::as_text).map(str::len).sum();
    assert!(bytes <= MAX_BYTES + 20_000 * 20, "{bytes}");
}

#[test]
fn templates_that_lead_back_or_multiply_are_settled_in_bounded_time() {
    let parts = |n: usize| vec![format!("{{Condition: C{}}}", n + 1); 4].join(", ");
    let conditions: String = (0..40).map(|n| format!("  C{n}: !And [{}]\n", parts(n))).collect();
    let text = format!(
        "Mappings: {{A: {{B: {{C: !FindInMap [A, B, C]}}}}}}\nConditions:\n{conditions}  C40: !Not [!Condition C0]\n\
         X: [!FindInMap [A, B, C], !If [C0, a, b]]\n"
    );
    let (root, _) = yaml::parse(&text).unwrap();
    Template::new(&root, None, true).settle(root.get("X").unwrap()).unwrap();
    let long = format!("Long: !Join ['{}', [{}]]\n", "x".repeat(1 << 20), "a, ".repeat(20_000));
    let (root, _) = yaml::parse(&long).unwrap();
    let node = Template::new(&root, None, true).settle(root.get("Long").unwrap()).unwrap();
    assert!(node.is_open());
}
