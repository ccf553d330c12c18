//! Connections to servers elsewhere.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http::Uri;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes both ways.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Connects to the host of a URI, over TLS for `https`: then its certificate must be of one of the authorities in the file.
pub(crate) async fn connect(uri: &Uri, authorities: &Path) -> io::Result<Box<dyn Connection>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(invalid("it is neither http nor https")),
    };
    let host = uri.host().ok_or_else(|| invalid("it names no host"))?.trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let stream = TcpStream::connect(found.as_slice()).await?;
    if !secure {
        return Ok(Box::new(stream));
    }
    let untrusted = |e: &dyn std::fmt::Display| {
        io::Error::other(format!("the certificate authorities in {} cannot be read: {e}", authorities.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(|e| untrusted(&e))? {
        // Bundles hold old ones that nobody can use; the others count.
        roots.add_parsable_certificates([certificate.map_err(|e| untrusted(&e))?]);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("its host is no name"))?;
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}
