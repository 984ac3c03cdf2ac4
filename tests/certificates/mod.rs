//! Certificates for tests, as files: of one who vouches for others, and of servers and clients.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Who vouches for others.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: PathBuf,
    /// Its certificate.
    pub(crate) ca: PathBuf,
}

impl Authority {
    /// All its files are in this directory, which may hold those of others.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A certificate whose subject is its issuer would be one that nobody vouches for.
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let ca = dir.join(format!("{name}.pem"));
        fs::write(&ca, issuer.pem()).unwrap();
        let dir = dir.to_owned();
        Authority { issuer, dir, ca }
    }

    /// A certificate for `localhost`, unless this changes it, and its key.
    pub(crate) fn pair(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = ["pem", "key"].map(|kind| self.dir.join(format!("{name}.{kind}")));
        fs::write(&files[0], certificate.pem()).unwrap();
        fs::write(&files[1], key.serialize_pem()).unwrap();
        files
    }
}
