use super::{MAX_RUNS, Matrix, artifact_file};

fn runs(text: &str) -> Result<Vec<String>, String> {
    let all = Matrix::parse(text)?.values()?;
    let shown = |values: &super::Values| values.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
    Ok(all.iter().map(shown).collect())
}

#[test]
fn a_list_of_texts_gives_each_run_its_value() {
    assert_eq!(runs(r#"["1","2"]"#).unwrap(), ["value=1", "value=2"]);
}

#[test]
fn a_list_of_objects_gives_each_run_its_values() {
    assert_eq!(runs(r#"[{"a":"1","b":"x"},{"a":"2","b":"x"}]"#).unwrap(), ["a=1 b=x", "a=2 b=x"]);
}

#[test]
fn an_object_of_lists_is_all_combinations() {
    let all = runs(r#"{"os":["a","b"],"v":["1","2"]}"#).unwrap();
    assert_eq!(all, ["os=a v=1", "os=a v=2", "os=b v=1", "os=b v=2"]);
}

#[test]
fn five_hundred_runs_are_a_matrix_and_one_more_is_none() {
    let list = |n: usize| serde_json::to_string(&(0..n).map(|n| n.to_string()).collect::<Vec<_>>()).unwrap();
    assert_eq!(runs(&list(MAX_RUNS)).unwrap().len(), 500);
    assert_eq!(runs(&list(501)).unwrap_err(), "it has 501 runs, which is more than the maximum of 500");
    let ten = r#"["0","1","2","3","4","5","6","7","8","9"]"#;
    let huge = (0..40).map(|n| format!("\"k{n}\":{ten}")).collect::<Vec<_>>().join(",");
    assert!(runs(&format!("{{{huge}}}")).unwrap_err().contains("more than the maximum of 500"));
}

#[test]
fn what_is_no_matrix_is_refused_with_its_reason() {
    for (text, why) in [
        ("", "it is not JSON"),
        ("[", "it is not JSON"),
        ("7", "not a number"),
        (r#""x""#, "not a text"),
        ("null", "not null"),
        ("[]", "the list is empty"),
        ("{}", "the object is empty"),
        (r#"{"a":[]}"#, "the list 'a' is empty"),
        (r#"{"a":["1"],"b":"2"}"#, "'b' must be a list of texts, not a text"),
        (r#"["1",2]"#, "item 2 of the matrix must be a text, not a number"),
        (r#"["1",["2"]]"#, "item 2 of the matrix must be a text, not a list"),
        (r#"[["1"]]"#, "item 1 of the matrix must be an object of texts, not a list"),
        (r#"[{"a":true}]"#, "'a' of run 1 must be a text, not true or false"),
        (r#"[{}]"#, "run 1 has no values"),
        (r#"[{"a":"1"},{"b":"1"}]"#, "run 2 has other names than run 1"),
        (r#"["1","2","1"]"#, "run 3 has the same values as run 1"),
        (r#"{"a":["1","1"]}"#, "run 2 has the same values as run 1"),
        (r#"{"a":["1"],"a":["2"]}"#, "the name 'a' stands twice in an object"),
        (r#"[{"a.b":"1"}]"#, "the name 'a.b' must be 1 to 100 letters"),
    ] {
        let error = runs(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(runs(&"[".repeat(5000)).is_err());
    let long = format!("[{:?},\"x\"]", "y".repeat(100_000));
    assert!(runs(&long).unwrap_err().contains("more than the maximum of 100000"));
}

#[test]
fn what_a_product_would_take_is_known_before_it_is_made() {
    let once = format!(
        "{{\"big\":[{:?}],\"n\":[{}]}}",
        "y".repeat(900_000),
        (0..500).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",")
    );
    let matrix = Matrix::parse(&once).unwrap();
    assert_eq!(matrix.bytes(500), 500 * 900_003 + 10 * 2 + 90 * 3 + 400 * 4);
    assert!(matrix.values().unwrap_err().contains("more than the maximum of 100000"));
}

#[test]
fn a_message_holds_the_beginning_of_a_name() {
    let name = "n".repeat(500_000);
    for text in [
        format!("{{\"{name}\":[]}}"),
        format!("{{\"{name}\":7}}"),
        format!("[{{\"{name}\":7}}]"),
        format!("{{\"{name}\":[\"1\"],\"{name}\":[\"1\"]}}"),
    ] {
        assert!(runs(&text).unwrap_err().len() < 300, "{}", &text[..20]);
    }
}

#[test]
fn a_place_in_an_artifact_is_a_plain_path() {
    assert_eq!(artifact_file("Src::ci/matrix.json"), Some(("Src", "ci/matrix.json")));
    for wrong in ["Src", "Src::", "::x", "Src::../x", "Src::/etc/x", "Src::a//b", "Src::a/./b", "Src::a\\b"] {
        assert_eq!(artifact_file(wrong), None, "{wrong}");
    }
}
