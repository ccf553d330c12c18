//! Certificates by the name that a client asks for: made when it is asked for first.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use super::names::is_aws;
use crate::tls::{self, Authority, TlsError};

/// More names than this are never kept.
const MAX_NAMES: usize = 4096;

/// The configuration of the front's listener.
pub(crate) fn server_config(data_dir: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let key = KeyPair::generate()?;
    let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| TlsError::Pem { path: data_dir.join("tls") })?;
    let signing = any_supported_type(&der)?;
    let by_name = ByName { authority: tls::authority(data_dir)?, key, signing, known: Mutex::default() };
    let mut config = tls::builder()?.with_no_client_auth().with_cert_resolver(Arc::new(by_name));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

struct ByName {
    authority: Authority,
    /// One for all names: they are all ours.
    key: KeyPair,
    signing: Arc<dyn SigningKey>,
    known: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ByName {
    fn make(&self, name: &str) -> Result<Arc<CertifiedKey>, rcgen::Error> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        // A common name has at most 64 characters; clients look at the alternative names alone.
        params.distinguished_name.push(DnType::CommonName, "Headworks front");
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&self.key, &self.authority.issuer)?;
        let chain = vec![certificate.der().clone(), self.authority.certificate.clone()];
        Ok(Arc::new(CertifiedKey::new(chain, self.signing.clone())))
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByName")
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name()?.to_ascii_lowercase();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&name) {
            return Some(found.clone());
        }
        if !is_aws(&name) {
            return None;
        }
        let made =
            self.make(&name).inspect_err(|e| tracing::warn!(error = %e, name, "cannot make a certificate")).ok()?;
        if known.len() >= MAX_NAMES {
            known.clear();
        }
        known.insert(name, made.clone());
        Some(made)
    }
}
