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

/// How much may wait in TLS for a client that does not take it, in bytes: no other bound counts it. It is what TLS packs together, and a
/// quarter of what rustls would take.
const WAITING_BYTES: usize = 16 << 10;

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
        let mut stream = greeted
            .map_err(|_| failed(format!("the handshake took over {HANDSHAKE_TIMEOUT:?}")))?
            .map_err(|error| failed(reason_of(&error)))?;
        stream.get_mut().1.set_buffer_limit(Some(WAITING_BYTES));
        Ok(stream)
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::net::TcpListener;
    use tokio::task::spawn_blocking;
    use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

    use super::*;

    #[tokio::test]
    async fn little_waits_in_tls_for_who_takes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles {
            cert: dir.path().join("cert.pem"),
            key: dir.path().join("key.pem"),
            client_ca: None,
        };
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = spawn_blocking(move || {
            let name = "localhost".try_into().unwrap();
            let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            client.complete_io(&mut stream).unwrap();
            stream
        });
        let (stream, _) = listener.accept().await.unwrap();
        let mut greeted = Tls::load(&files).unwrap().greet(stream).await.unwrap();
        let taken = greeted.get_mut().1.writer().write(&vec![0; 100_000]);
        assert_eq!(taken.unwrap(), WAITING_BYTES);
        client.await.unwrap();
    }
}
