//! `logstore send --tls`: how the server is trusted, and what is shown to it.

use std::path::PathBuf;

use clap::Args;
use logstore::ClientTls;

#[derive(Debug, Args)]
pub(super) struct TlsArguments {
    /// Send inside of TLS; whom the system trusts vouches for the server
    #[arg(long, conflicts_with = "db")]
    tls: bool,

    /// The same, with certificates of who vouches for the server, in PEM
    #[arg(long, value_name = "FILE", conflicts_with = "db")]
    tls_ca: Option<PathBuf>,

    /// The same, with a certificate to show and those that vouch for it, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "db")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl TlsArguments {
    /// `None`: no TLS.
    pub(super) fn settings(&self) -> Option<ClientTls> {
        let is_wanted = self.tls || self.tls_ca.is_some() || self.tls_cert.is_some();
        is_wanted.then(|| ClientTls {
            ca: self.tls_ca.clone(),
            cert: self.tls_cert.clone(),
            key: self.tls_key.clone(),
            server_name: None,
        })
    }
}
