//! The three rtnetlink requests that a cell needs (rtnetlink(7)): link up, a veth pair, an address.
//!
//! Written by hand: the libraries are async and ten times this size.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFLA_NET_NS_FD: u16 = 28;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;

/// A rtnetlink socket of the network namespace in which it was opened.
#[derive(Debug)]
pub(crate) struct Netlink(OwnedFd);

impl Netlink {
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self(socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // NETLINK_ROUTE is protocol zero, which is also the default.
            None,
        )?))
    }

    /// Brings a link up.
    pub(crate) fn up(&self, name: &str) -> io::Result<()> {
        let mut body = link_head(IFF_UP);
        attribute(&mut body, IFLA_IFNAME, &c_text(name));
        self.ask(RTM_NEWLINK, 0, &body)
    }

    /// Makes a veth pair: `here` in this namespace, `there` in the namespace of `other`.
    pub(crate) fn veth(&self, here: &str, there: &str, other: BorrowedFd<'_>) -> io::Result<()> {
        let mut peer = link_head(0);
        attribute(&mut peer, IFLA_IFNAME, &c_text(there));
        attribute(&mut peer, IFLA_NET_NS_FD, &other.as_raw_fd().to_ne_bytes());
        let mut pair = Vec::new();
        attribute(&mut pair, VETH_INFO_PEER, &peer);
        let mut info = Vec::new();
        attribute(&mut info, IFLA_INFO_KIND, b"veth");
        attribute(&mut info, IFLA_INFO_DATA, &pair);
        let mut body = link_head(0);
        attribute(&mut body, IFLA_IFNAME, &c_text(here));
        attribute(&mut body, IFLA_LINKINFO, &info);
        self.ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body)
    }

    /// Gives a link an address; the kernel adds the route to its network.
    pub(crate) fn address(&self, link: &str, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let index = rustix::net::netdevice::name_to_index(&self.0, link)?;
        let mut body = vec![AF_INET, prefix, 0, 0];
        body.extend(index.to_ne_bytes());
        attribute(&mut body, IFA_LOCAL, &address.octets());
        attribute(&mut body, IFA_ADDRESS, &address.octets());
        self.ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body)
    }

    fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 16).map_err(io::Error::other)?;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        send(&self.0, &message, SendFlags::empty())?;
        let mut answer = [0_u8; 4096];
        let (_, length) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        acknowledged(answer.get(..length).unwrap_or_default())
    }
}

/// Reads the acknowledgement: an `NLMSG_ERROR` whose error number is zero.
fn acknowledged(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes);
    let error = answer.get(16..20).and_then(|b| b.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, error) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
        _ => Err(io::Error::other("unexpected answer of rtnetlink")),
    }
}

/// `struct ifinfomsg` with only the flags set.
fn link_head(flags: u32) -> Vec<u8> {
    let mut head = vec![0; 8];
    head.extend(flags.to_ne_bytes());
    head.extend(flags.to_ne_bytes());
    head
}

/// `struct rtattr`: length without padding, type, value, padding to four bytes.
fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Names and addresses of this file only: far below 64 KiB.
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn c_text(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes
}
