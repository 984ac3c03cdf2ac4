//! HTTP requests and other bytes sent to the server as they stand, and what it answers.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::support::{Server, Store};

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Sends bytes and reads all that comes back.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The server may have answered and gone before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// One request on a connection of its own, with these lines in its head.
pub(crate) fn request(address: SocketAddr, line: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut head = format!(
        "{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        let _ = write!(head, "Host: {address}\r\n");
    }
    for header in headers {
        head += header;
        head += "\r\n";
    }
    answer(&exchange(
        address,
        &[head.as_bytes(), b"\r\n", body].concat(),
    ))
}

/// A question on a connection of its own, whose other end stays open until it is answered.
pub(crate) fn ask(address: SocketAddr, line: &str, headers: &[&str]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let host = format!("Host: {address}");
    let named = headers.iter().any(|header| header.starts_with("Host:"));
    let lines = [&[host.as_str()][usize::from(named)..], headers].concat();
    let lines = lines.join("\r\n");
    let head = format!("{line} HTTP/1.1\r\nConnection: close\r\n{lines}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    answer(&String::from_utf8_lossy(&bytes))
}

fn answer(text: &str) -> Answer {
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

pub(crate) fn post(server: &Server, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    request(server.address(), &format!("POST {path}"), headers, body)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) const JSON: &str = "Content-Type: application/json";

pub(crate) fn messages(store: &Store) -> Vec<String> {
    let records = store.records(&[]);
    let mut messages: Vec<String> = records
        .iter()
        .map(|record| record["message"].as_str().unwrap().to_owned())
        .collect();
    messages.sort();
    messages
}
