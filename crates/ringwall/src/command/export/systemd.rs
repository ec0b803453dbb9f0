//! systemd units: as little of the system as the server needs.
//!
//! `systemd-analyze security --offline=true` gives the service 1.5 or less (0 is best); what keeps
//! it from less is that a gateway has to use the network.

use std::fmt::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use ringwall_manifest::Model;

use crate::paths::Place;

/// Both units, each under a comment with the name of its file.
pub(super) fn units(model: &Model, place: &Place) -> Result<String> {
    let program = std::env::current_exe().context("this program has no path")?;
    let manifest = std::path::absolute(&place.manifest)?;
    let mut text = format!("# /etc/systemd/system/ringwall-{}.service\n", model.name);
    let head = SERVICE
        .replace("NAME", &model.name)
        .replace("PROGRAM", &program.display().to_string())
        .replace("MANIFEST", &manifest.display().to_string());
    text.push_str(&head);
    let gateway = &model.gateway;
    let addresses = if gateway.listen.is_empty() {
        vec![format!("0.0.0.0:{}", gateway.port), format!("[::]:{}", gateway.port)]
    } else {
        gateway.listen.iter().map(ToString::to_string).collect()
    };
    socket(&mut text, (&model.name, ""), "edge", &addresses)?;
    if let Some(port) = gateway.http_port {
        let at = |address: &String| match address.parse::<SocketAddr>() {
            Ok(address) => SocketAddr::new(address.ip(), port).to_string(),
            Err(_) => address.clone(),
        };
        let addresses: Vec<String> = addresses.iter().map(at).collect();
        socket(&mut text, (&model.name, "-http"), "http", &addresses)?;
    }
    Ok(text)
}

fn socket(
    text: &mut String,
    (name, suffix): (&str, &str),
    door: &str,
    addresses: &[String],
) -> Result<()> {
    writeln!(text, "\n# /etc/systemd/system/ringwall-{name}{suffix}.socket")?;
    writeln!(text, "[Unit]\nDescription=Ringwall, the {door} door of {name}\n\n[Socket]")?;
    for address in addresses {
        writeln!(text, "ListenStream={address}")?;
    }
    writeln!(
        text,
        "FileDescriptorName={door}\nService=ringwall-{name}.service\n{SOCKET}\n\
         [Install]\nWantedBy=sockets.target"
    )?;
    Ok(())
}

const SOCKET: &str = "\
# [::] is for IPv6 alone: 0.0.0.0 has its own line.
BindIPv6Only=ipv6-only
Backlog=4096
NoDelay=yes
";

const SERVICE: &str = "\
[Unit]
Description=Ringwall, the gateway of NAME
Documentation=https://ringwall.dev/docs
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=PROGRAM --manifest MANIFEST --state /var/lib/ringwall-NAME serve
ExecReload=/bin/kill -HUP $MAINPID
# `ringwall upgrade` names its successor to systemd; a plain restart keeps the sockets.
NotifyAccess=main
WatchdogSec=30s
Restart=on-failure
# Only the main process drains; what is left is ended after the drain.
KillMode=mixed
TimeoutStopSec=90s
LimitNOFILE=1048576
# systemd-creds encrypt root.key /etc/credstore.encrypted/ringwall-NAME.root-key
LoadCredentialEncrypted=root-key:ringwall-NAME.root-key

DynamicUser=yes
StateDirectory=ringwall-NAME
StateDirectoryMode=0700
UMask=0077
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
DevicePolicy=closed
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=prlimit64 setrlimit sched_getaffinity
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
";
