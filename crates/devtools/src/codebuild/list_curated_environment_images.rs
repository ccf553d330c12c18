//! ListCuratedEnvironmentImages: the published images whose names builds may give.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Platform, image and its versions, as AWS publishes them
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/ec2-compute-images.html>).
const IMAGES: &[(&str, &str, &[&str])] = &[
    ("UBUNTU", "aws/codebuild/standard:5.0", &["aws/codebuild/standard:5.0"]),
    ("UBUNTU", "aws/codebuild/standard:6.0", &["aws/codebuild/standard:6.0"]),
    ("UBUNTU", "aws/codebuild/standard:7.0", &["aws/codebuild/standard:7.0"]),
    (
        "AMAZON_LINUX",
        "aws/codebuild/amazonlinux2-x86_64-standard:4.0",
        &["aws/codebuild/amazonlinux2-x86_64-standard:4.0"],
    ),
    (
        "AMAZON_LINUX",
        "aws/codebuild/amazonlinux2-x86_64-standard:5.0",
        &["aws/codebuild/amazonlinux2-x86_64-standard:5.0"],
    ),
    (
        "AMAZON_LINUX",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        &["aws/codebuild/amazonlinux-x86_64-standard:5.0"],
    ),
    (
        "AMAZON_LINUX",
        "aws/codebuild/amazonlinux2-aarch64-standard:3.0",
        &["aws/codebuild/amazonlinux2-aarch64-standard:3.0"],
    ),
    (
        "AMAZON_LINUX",
        "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        &["aws/codebuild/amazonlinux-aarch64-standard:3.0"],
    ),
];

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Input {}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub platforms: Vec<Value>,
}

/// Lists images.
pub async fn list_curated_environment_images(_cx: &Cx, _input: Input) -> Result<Output, ApiError> {
    let platform = |name: &str| {
        let images: Vec<Value> = IMAGES
            .iter()
            .filter(|(platform, _, _)| *platform == name)
            .map(|(_, image, versions)| json!({ "name": image, "description": image, "versions": versions }))
            .collect();
        json!({ "platform": name, "languages": [{ "language": "BASE", "images": images }] })
    };
    Ok(Output { platforms: vec![platform("AMAZON_LINUX"), platform("UBUNTU")] })
}
