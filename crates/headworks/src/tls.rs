//! HTTPS on the same port: a certificate from this installation's own authority, which clients may trust.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};

/// The authority's certificate, for `AWS_CA_BUNDLE`, `GIT_SSL_CAINFO` and the like.
pub fn authority_path(data_dir: &Path) -> PathBuf {
    data_dir.join("tls").join("ca.pem")
}

/// What can go wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read or write the certificates in {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot use the certificate")]
    Use(#[from] rustls::Error),
    #[error("{path} holds no usable certificate or key; delete the folder to have new ones made")]
    Pem { path: PathBuf },
}

/// The listener's configuration. Makes authority and key at the first call; the key is readable by the owner only.
/// The server's certificate is made afresh at each start, for `hosts` and the AWS names of `region`.
pub fn server_config(data_dir: &Path, hosts: &[String], region: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let Authority { issuer, certificate: ca } = authority(data_dir)?;
    let mut params = CertificateParams::new(names(hosts, region))?;
    params.distinguished_name.push(DnType::CommonName, "Headworks");
    let key = KeyPair::generate()?;
    let cert = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| TlsError::Pem { path: data_dir.join("tls") })?;
    let mut config = builder()?.with_no_client_auth().with_single_cert(vec![cert.der().clone(), ca], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A configuration with our one provider.
pub(crate) fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

/// The installation's own authority.
pub(crate) struct Authority {
    pub issuer: Issuer<'static, KeyPair>,
    pub certificate: CertificateDer<'static>,
}

/// The authority of this data folder; the first call makes it.
pub(crate) fn authority(data_dir: &Path) -> Result<Authority, TlsError> {
    let dir = data_dir.join("tls");
    let io_error = |source| TlsError::Io { path: dir.clone(), source };
    fs::create_dir_all(&dir).map_err(io_error)?;
    let (cert_path, key_path) = (authority_path(data_dir), dir.join("ca.key"));
    if !cert_path.exists() || !key_path.exists() {
        let key = KeyPair::generate()?;
        let cert = authority_params()?.self_signed(&key)?;
        write_private(&key_path, key.serialize_pem().as_bytes()).map_err(io_error)?;
        fs::write(&cert_path, cert.pem()).map_err(io_error)?;
    }
    let ca_key = KeyPair::from_pem(&fs::read_to_string(&key_path).map_err(io_error)?)?;
    let issuer = Issuer::new(authority_params()?, ca_key);
    let certificate =
        CertificateDer::from_pem_file(&cert_path).map_err(|_| TlsError::Pem { path: cert_path.clone() })?;
    Ok(Authority { issuer, certificate })
}

fn authority_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, "Headworks installation CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn names(hosts: &[String], region: &str) -> Vec<String> {
    let aws = ["amazonaws.com", &format!("{region}.amazonaws.com"), &format!("s3.{region}.amazonaws.com")]
        .map(|suffix| format!("*.{suffix}"));
    let local = ["localhost", "*.localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut all: Vec<String> = hosts.iter().cloned().chain(local).chain(aws).collect();
    all.push("*.s3.amazonaws.com".to_owned());
    all.sort();
    all.dedup();
    all
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use io::Write;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
