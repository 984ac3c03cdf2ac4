//! TLS at the sending end: who is trusted, what is shown, and what went wrong in plain words.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore,
    StreamOwned,
};

use super::connection::{Greet, Transport};
use crate::error::QueueError;
use crate::net::{certificates, private_key, roots};
use crate::time::{Zone, display_time};

/// How a [`SocketHandler`](crate::SocketHandler) speaks TLS, with files in PEM. By default it trusts whom the system trusts, and
/// shows no certificate.
#[derive(Debug, Clone, Default)]
pub struct ClientTls {
    /// Who vouches for the server. `None`: whom the system trusts, or the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    pub ca: Option<PathBuf>,
    /// The certificate to show to a server that demands one, then those that vouch for it. It needs its key.
    pub cert: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
    /// Whom the server's certificate must name. `None`: the host that is connected to.
    pub server_name: Option<String>,
}

/// What is needed to greet a server.
#[derive(Debug)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`QueueError::Tls`] when one cannot be read or does not hold what it should.
    pub(super) fn load(settings: &ClientTls, host: &str) -> Result<Self, QueueError> {
        let failed = |what: String, reason: String| QueueError::Tls { what, reason };
        let of_file = |path: &Path, reason| failed(path.display().to_string(), reason);
        let roots = match &settings.ca {
            Some(path) => roots(path).map_err(|reason| of_file(path, reason))?,
            None => system_roots()
                .map_err(|reason| failed("the system's certificates".into(), reason))?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("ring".into(), error.to_string()))?
            .with_root_certificates(roots);
        let config = match (&settings.cert, &settings.key) {
            (None, None) => config.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates(cert).map_err(|reason| of_file(cert, reason))?;
                let key = private_key(key).map_err(|reason| of_file(key, reason))?;
                config
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| of_file(cert, format!("it does not fit the key: {error}")))?
            }
            (Some(path), None) => return Err(of_file(path, "its key is needed, too".into())),
            (None, Some(path)) => {
                return Err(of_file(path, "its certificate is needed, too".into()));
            }
        };
        let name = settings.server_name.as_deref().unwrap_or(host);
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|error| failed(format!("the server's name {name:?}"), error.to_string()))?;
        Ok(Tls {
            config: Arc::new(config),
            server_name,
        })
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable > 0 {
        return Ok(roots);
    }
    let why = found
        .errors
        .first()
        .map_or_else(String::new, |error| format!(" ({error})"));
    Err(format!(
        "there are none{why}; name a file with --tls-ca, or in Rust with ClientTls::ca"
    ))
}

impl Greet for Tls {
    fn greet(&self, mut stream: TcpStream) -> io::Result<Box<dyn Transport>> {
        let mut session = ClientConnection::new(Arc::clone(&self.config), self.server_name.clone())
            .map_err(|error| in_words(io::Error::other(error)))?;
        let patience = stream.read_timeout()?.unwrap_or(Duration::MAX);
        let deadline = Instant::now().checked_add(patience);
        while session.is_handshaking() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(of_handshake(ErrorKind::TimedOut.into()));
            }
            stream.set_read_timeout(left)?;
            step(&mut session, &mut stream).map_err(of_handshake)?;
        }
        stream.set_read_timeout(Some(patience))?;
        Ok(Box::new(StreamOwned::new(session, stream)))
    }
}

/// Writes what is to be written, then reads once.
fn step(session: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(stream)?;
    }
    if session.is_handshaking() && session.read_tls(stream)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let processed = session.process_new_packets();
    // What was wrong is told to the server, too.
    while session.wants_write() && session.write_tls(stream).is_ok() {}
    processed.map(drop).map_err(io::Error::other)
}

impl Transport for StreamOwned<ClientConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let taken = self.conn.writer().write(bytes)?;
            write_out(self)?;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    fn say_goodbye(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        write_out(self)
    }

    /// Tickets and the like are read on the way. An end without `close_notify` is an error: it may be an attacker's. Nothing is
    /// written, as rustls's own `read` does: where that fails, the alert that tells why would stay unread.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.conn.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read.map_err(in_words),
            }
            self.conn.read_tls(&mut self.sock)?;
            let processed = self.conn.process_new_packets();
            processed.map_err(|error| in_words(io::Error::other(error)))?;
        }
    }
}

/// Writes what has been encrypted. A `flush` would also read when the server takes nothing, and wait twice as long.
fn write_out(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    while stream.conn.wants_write() {
        match stream.conn.write_tls(&mut stream.sock) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Why no TLS came about.
fn of_handshake(error: io::Error) -> io::Error {
    let reason = match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "it did not answer in TLS in time; perhaps it speaks none"
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            "it broke the connection off when TLS began; perhaps it speaks none"
        }
        _ if matches!(of_rustls(&error), Some(Error::InvalidMessage(_))) => "it speaks no TLS",
        _ => return in_words(error),
    };
    io::Error::new(error.kind(), reason)
}

fn of_rustls(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// What rustls has to say, for people.
fn in_words(error: io::Error) -> io::Error {
    let reason = match of_rustls(&error) {
        Some(Error::InvalidCertificate(error)) => of_certificate(error),
        Some(Error::AlertReceived(alert)) => of_alert(*alert),
        Some(Error::InvalidMessage(_)) => "what it says is no TLS".into(),
        Some(error) => format!("TLS failed: {error}"),
        None if error.kind() == ErrorKind::UnexpectedEof => {
            "it broke the connection off without ending TLS (close_notify), so that nobody knows what it has read".into()
        }
        None => return error,
    };
    io::Error::new(error.kind(), reason)
}

/// What is wrong with the server's certificate.
fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => "nobody who is trusted vouches for its certificate; \
            name the file of who does (--tls-ca, ClientTls::ca)"
            .into(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let (names, expected) = (names.join(", "), expected.to_str());
            if names.is_empty() {
                return "its certificate has no subjectAltName; it needs one with the server's name"
                    .into();
            }
            format!(
                "its certificate is for {names}, not for {expected}; connect by that name (--host), or expect it (ClientTls::server_name)"
            )
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate has expired at {}", utc(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is valid only from {} on", utc(*not_before))
        }
        // webpki's name for it: the error itself is of a crate that is not ours to use.
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "it shows the certificate of a CA, which has to sign another one for the server".into()
        }
        other => format!("its certificate is not valid: {other}"),
    }
}

/// Why the server broke off.
fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "it demands a client's certificate; show one (--tls-cert and --tls-key, ClientTls::cert and key)".into()
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => {
            format!("it does not accept the client's certificate: {alert:?}")
        }
        _ => format!("it refused TLS: {alert:?}"),
    }
}

/// A name as certificates have it: `DnsName("localhost")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_matches(['(', ')', '"'])
}

fn utc(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    display_time(seconds.saturating_mul(1_000_000_000), Zone::Utc)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio_rustls::rustls::{ServerConfig, ServerConnection};

    use super::super::connection::{Connection, Target};
    use super::*;

    /// A client and the server's end of its connection, whose tickets are under way.
    fn connected() -> (Connection, StreamOwned<ServerConnection, TcpStream>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                signing_key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let greet = Tls {
            config: Arc::new(
                ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .unwrap()
                    .with_root_certificates(roots)
                    .with_no_client_auth(),
            ),
            server_name: "localhost".try_into().unwrap(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            host: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
            connect_timeout: Duration::from_secs(20),
            send_timeout: Duration::from_secs(20),
            confirm_every: Duration::ZERO,
            greet: Some(Arc::new(greet)),
        };
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut session = ServerConnection::new(Arc::new(config)).unwrap();
            while session.is_handshaking() || session.wants_write() {
                session.complete_io(&mut stream).unwrap();
            }
            StreamOwned::new(session, stream)
        });
        let client = Connection::open(&target).unwrap();
        (client, server.join().unwrap())
    }

    #[test]
    fn tickets_are_no_end_and_a_goodbye_is_one() {
        let (mut client, mut server) = connected();
        for _ in 0..3 {
            assert!(!client.is_over());
        }
        client.send(b"frames").unwrap();
        server.read_exact(&mut [0; 6]).unwrap();
        assert!(!client.is_over());
        server.conn.send_close_notify();
        server.flush().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !client.is_over() {
            assert!(Instant::now() < deadline);
        }
    }

    #[test]
    fn what_answers_inside_of_tls_is_another_service() {
        let (client, mut server) = connected();
        server
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        server.conn.send_close_notify();
        server.flush().unwrap();
        let error = client.finish().unwrap_err().to_string();
        assert!(error.contains("check host and port"), "{error}");
    }

    #[test]
    fn an_end_without_goodbye_is_no_confirmation() {
        let (client, server) = connected();
        drop(server);
        let error = client.finish().unwrap_err().to_string();
        assert!(error.contains("without ending TLS"), "{error}");
    }

    #[test]
    fn names_are_shown_bare() {
        assert_eq!(bare("DnsName(\"localhost\")"), "localhost");
        assert_eq!(bare("IpAddress(127.0.0.1)"), "127.0.0.1");
    }
}
