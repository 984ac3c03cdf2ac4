//! TLS: certificates from files, and the handshake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::pem::{certificates, private_key, roots};
use crate::error::{ServerError, WireError};

/// How long a client may take for its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The fatal alert `unexpected_message` (RFC 8446, section 6.2), as it is sent before anything is encrypted.
pub(super) const UNEXPECTED_MESSAGE: [u8; 7] = [21, 3, 1, 0, 2, 2, 10];

/// The files of a server's TLS, all in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, then those that vouch for it.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who vouches for clients: only those with a certificate of theirs come in. `None`: everybody does.
    pub client_ca: Option<PathBuf>,
}

/// What is needed to greet TLS clients.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    /// Clients have to show a certificate, so nobody may come without TLS.
    pub(super) is_demanded: bool,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`ServerError::Tls`] when one cannot be read or does not hold what it should.
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ServerError> {
        let failed = |path: &Path, reason: String| ServerError::Tls {
            path: path.to_owned(),
            reason,
        };
        let chain = certificates(&files.cert).map_err(|reason| failed(&files.cert, reason))?;
        let key = private_key(&files.key).map_err(|reason| failed(&files.key, reason))?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&files.cert, error.to_string()))?;
        let config = match &files.client_ca {
            None => config.with_no_client_auth(),
            Some(path) => {
                let roots = roots(path).map_err(|reason| failed(path, reason))?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|error| failed(path, error.to_string()))?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let mut config = config
            .with_single_cert(chain, key)
            .map_err(|error| failed(&files.cert, format!("it does not fit the key: {error}")))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A client that only sends never reads them, and what it leaves unread when it closes makes its system reset the
        // connection: what it had sent last would be lost.
        config.send_tls13_tickets = 0;
        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            is_demanded: files.client_ca.is_some(),
        })
    }

    /// Greets a client whose first byte said TLS.
    pub(super) async fn greet(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, WireError> {
        let greeted = timeout(HANDSHAKE_TIMEOUT, self.acceptor.accept(stream)).await;
        let failed = |reason: String| WireError::Tls { reason };
        greeted
            .map_err(|_| failed(format!("the handshake took over {HANDSHAKE_TIMEOUT:?}")))?
            .map_err(|error| failed(reason_of(&error)))
    }
}

/// What went wrong, from whichever layer said it.
fn reason_of(error: &std::io::Error) -> String {
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::NoCertificatesPresented) => {
            "the client showed no certificate, which --client-ca demands".into()
        }
        _ => error.to_string(),
    }
}
