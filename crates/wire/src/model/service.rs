//! Services and operations as the rest of the product sees them.

use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;

use super::load::{Loaded, load};
use super::shape::{ErrorTrait, Kind, Shape, ShapeId, Shapes, Structure};
use super::{UriTemplate, embedded};

/// Every embedded service.
#[derive(Debug)]
pub struct Models {
    services: Box<[Service]>,
}

/// The embedded models.
pub fn models() -> &'static Models {
    static MODELS: OnceLock<Models> = OnceLock::new();
    MODELS.get_or_init(|| {
        let index: Vec<Entry> = match serde_json::from_str(embedded::INDEX) {
            Ok(index) => index,
            Err(e) => panic!("models/index.json is not what `cargo xtask models` writes: {e}"),
        };
        Models { services: index.into_iter().map(|entry| Service { entry, loaded: OnceLock::new() }).collect() }
    })
}

impl Models {
    /// The services' names, as botocore spells its directories (`codebuild`, `s3`, ...), in order.
    pub fn services(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        models().services.iter().map(|s| s.name())
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&'static Service> {
        models().services.iter().find(|s| s.name() == name)
    }

    pub(crate) fn all() -> &'static [Service] {
        &models().services
    }
}

/// What the index says of a service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Box<str>,
    api_version: Box<str>,
    endpoint_prefix: Box<str>,
    json_version: Option<Box<str>>,
    protocols: Box<[Box<str>]>,
    service_id: Box<str>,
    signing_name: Option<Box<str>>,
    target_prefix: Option<Box<str>>,
    xml_namespace: Option<Box<str>>,
    #[serde(default)]
    query_compatible: bool,
}

/// One service.
pub struct Service {
    entry: Entry,
    loaded: OnceLock<Loaded>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.entry.name).finish()
    }
}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        self.entry.name == other.entry.name
    }
}

impl Service {
    /// botocore's directory name: `codebuild`.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// The name under which clients sign requests.
    pub fn signing_name(&self) -> &str {
        self.entry.signing_name.as_deref().unwrap_or(&self.entry.endpoint_prefix)
    }

    /// The first label of the service's published host names.
    pub fn endpoint_prefix(&self) -> &str {
        &self.entry.endpoint_prefix
    }

    /// The service's id as SDKs know it: `CloudWatch Logs`.
    pub fn service_id(&self) -> &str {
        &self.entry.service_id
    }

    /// The published version: `2016-10-06`.
    pub fn api_version(&self) -> &str {
        &self.entry.api_version
    }

    /// What stands before the dot in `X-Amz-Target`.
    pub fn target_prefix(&self) -> Option<&str> {
        self.entry.target_prefix.as_deref()
    }

    /// The protocols that the model lists and we speak, the model's preferred one first.
    pub fn protocols(&self) -> impl Iterator<Item = Protocol> + '_ {
        self.entry.protocols.iter().filter_map(|p| match &**p {
            "json" if self.entry.json_version.as_deref() == Some("1.0") => Some(Protocol::AwsJson10),
            "json" => Some(Protocol::AwsJson11),
            "query" => Some(Protocol::Query),
            "rest-json" => Some(Protocol::RestJson),
            "rest-xml" => Some(Protocol::RestXml),
            "smithy-rpc-v2-cbor" => Some(Protocol::RpcV2Cbor),
            _ => None,
        })
    }

    /// The operations, in the order of their names.
    pub fn operations(&'static self) -> impl Iterator<Item = &'static Operation> {
        self.loaded().operations.iter()
    }

    /// The operation of that name.
    pub fn operation(&'static self, name: &str) -> Option<&'static Operation> {
        let operations = &self.loaded().operations;
        operations.binary_search_by(|o| (*o.name).cmp(name)).ok().and_then(|i| operations.get(i))
    }

    /// Whether the model has an error of that code: the shape's name, or its code on the wire.
    pub fn has_error(&self, code: &str) -> bool {
        self.error(code).is_some()
    }

    /// The HTTP status that the model gives an error.
    pub fn error_status(&self, code: &str) -> Option<u16> {
        self.error(code).and_then(|(_, _, e)| e.status)
    }

    /// The codes of all errors of the model.
    pub fn errors(&self) -> impl Iterator<Item = &str> {
        self.loaded().errors.iter().map(|(code, _)| &**code)
    }

    pub(crate) fn error(&self, code: &str) -> Option<(&Shape, &Structure, &ErrorTrait)> {
        let loaded = self.loaded();
        let at = loaded.errors.binary_search_by(|(c, _)| (**c).cmp(code)).ok()?;
        let shape = loaded.shapes.get(loaded.errors.get(at)?.1);
        match &shape.kind {
            Kind::Structure(s) => s.error.as_deref().map(|e| (shape, s, e)),
            _ => None,
        }
    }

    pub(crate) fn has_target(&self, prefix: &str) -> bool {
        self.entry.target_prefix.as_deref() == Some(prefix)
    }

    pub(crate) fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols().any(|p| p == protocol)
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.entry.xml_namespace.as_deref()
    }

    pub(crate) fn query_compatible(&self) -> bool {
        self.entry.query_compatible
    }

    pub(crate) fn shapes(&self) -> &Shapes {
        &self.loaded().shapes
    }

    pub(crate) fn shape(&self, id: ShapeId) -> &Shape {
        self.shapes().get(id)
    }

    fn loaded(&self) -> &Loaded {
        self.loaded.get_or_init(|| load(&self.entry.name))
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    pub(super) name: Box<str>,
    pub(super) method: http::Method,
    pub(super) uri: UriTemplate,
    pub(super) status: u16,
    pub(super) input: Option<ShapeId>,
    pub(super) output: Option<ShapeId>,
    pub(super) result_wrapper: Option<Box<str>>,
    pub(super) errors: Box<[ShapeId]>,
    pub(super) deprecated: bool,
    pub(super) anonymous: bool,
    pub(super) streaming_input: bool,
    pub(super) streaming_output: bool,
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Operation {
    /// The name: `StartBuild`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether clients call it without a signature (AssumeRoleWithWebIdentity).
    pub fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// Whether the model calls it deprecated.
    pub fn is_deprecated(&self) -> bool {
        self.deprecated
    }

    pub(crate) fn method(&self) -> &http::Method {
        &self.method
    }

    pub(crate) fn uri(&self) -> &UriTemplate {
        &self.uri
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn input(&self) -> Option<ShapeId> {
        self.input
    }

    pub(crate) fn output(&self) -> Option<ShapeId> {
        self.output
    }

    pub(crate) fn result_wrapper(&self) -> Option<&str> {
        self.result_wrapper.as_deref()
    }

    pub(crate) fn errors(&self) -> &[ShapeId] {
        &self.errors
    }

    pub(crate) fn streams(&self) -> (bool, bool) {
        (self.streaming_input, self.streaming_output)
    }
}

/// How a request's members are written into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson10,
    AwsJson11,
    Query,
    RestJson,
    RestXml,
    RpcV2Cbor,
}
