//! The network of a simulated machine: quinn's sockets over those of turmoil, which cuts links and holds back what is sent.
//! How long each datagram is on its way, and whether it is lost or doubled, is decided here.
//!
//! What happens to a datagram follows from the seed, the link and the moment, not from how many were sent before: the
//! handshakes of TLS draw random numbers that nobody can seed, and a datagram more or less must change nothing for the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use aurora_mesh::transport::network::Network;
use futures_util::FutureExt;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::time::sleep;
use turmoil::net::UdpSocket;

use crate::random::Random;

/// The longest a datagram is on its way when nothing holds it up, in milliseconds.
const LATENCY_MAX_MS: u64 = 80;

/// By how much more one that is overtaken comes later.
const OVERTAKEN_BY_MS: u64 = 200;

/// How bad the air around one machine is, each in datagrams of a thousand that it sends.
#[derive(Debug, Default)]
pub struct Air {
    /// Never arrive.
    pub lost: AtomicU64,
    /// Arrive twice.
    pub doubled: AtomicU64,
    /// Come late, behind others.
    pub overtaken: AtomicU64,
    /// So many were lost, doubled or overtaken.
    pub touched: AtomicU64,
}

/// The network as one machine sees it.
pub struct SimNetwork {
    air: Arc<Air>,
    seed: u64,
}

impl SimNetwork {
    /// In this air; what happens in it follows from the seed.
    pub fn new(air: Arc<Air>, seed: u64) -> Self {
        Self { air, seed }
    }
}

impl Network for SimNetwork {
    fn bind(&self, address: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
        let bound = UdpSocket::bind(any).now_or_never().expect("turmoil binds at once")?;
        Ok(Arc::new(Socket {
            udp: Arc::new(bound),
            air: Arc::clone(&self.air),
            seed: self.seed,
            sent: Mutex::default(),
            waiting: Mutex::new(None),
        }))
    }
}

type Readable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

struct Socket {
    udp: Arc<UdpSocket>,
    air: Arc<Air>,
    seed: u64,
    /// To whom the last datagram was sent when, and how many before it at that moment.
    sent: Mutex<BTreeMap<SocketAddr, (Duration, u64)>>,
    waiting: Mutex<Option<Readable>>,
}

impl fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Socket")
    }
}

impl Socket {
    /// What decides about the datagram that is sent now.
    fn fate(&self, to: SocketAddr) -> Random {
        let now = turmoil::elapsed();
        let mut sent = self.sent.lock().expect("not poisoned");
        let (last, before) = sent.entry(to).or_insert((now, 0));
        (*last, *before) = if *last == now { (now, *before + 1) } else { (now, 0) };
        let moment = u64::try_from(now.as_micros()).expect("short").wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let IpAddr::V4(address) = to.ip() else { panic!("turmoil gave an address of the other kind") };
        let link = u64::from(address.to_bits()).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random::new(self.seed ^ moment ^ link ^ before.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn falls_on(&self, fate: &mut Random, rate: &AtomicU64) -> bool {
        let happens = fate.happens(rate.load(Ordering::Relaxed));
        self.air.touched.fetch_add(u64::from(happens), Ordering::Relaxed);
        happens
    }

    /// Sends it after a while.
    fn send(&self, fate: &mut Random, bytes: &[u8], to: SocketAddr) {
        let mut late = fate.below(LATENCY_MAX_MS).min(fate.below(LATENCY_MAX_MS));
        if self.falls_on(fate, &self.air.overtaken) {
            late += fate.below(OVERTAKEN_BY_MS);
        }
        let (udp, bytes) = (Arc::clone(&self.udp), bytes.to_vec());
        tokio::spawn(async move {
            sleep(Duration::from_millis(late)).await;
            // A machine that is not there takes nothing, and on a real network nobody is told.
            let _lost = udp.try_send_to(&bytes, to);
        });
    }
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(AlwaysWritable)
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut fate = self.fate(transmit.destination);
        if self.falls_on(&mut fate, &self.air.lost) {
            return Ok(());
        }
        self.send(&mut fate, transmit.contents, transmit.destination);
        if self.falls_on(&mut fate, &self.air.doubled) {
            self.send(&mut fate, transmit.contents, transmit.destination);
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        told: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut waiting = self.waiting.lock().expect("not poisoned");
        loop {
            if let Some(readable) = waiting.as_mut() {
                std::task::ready!(readable.as_mut().poll(context))?;
                *waiting = None;
            }
            match self.udp.try_recv_from(&mut buffers[0]) {
                Ok((length, addr)) => {
                    told[0] = RecvMeta { addr, len: length, stride: length, ecn: None, dst_ip: None };
                    return Poll::Ready(Ok(1));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let udp = Arc::clone(&self.udp);
                    *waiting = Some(Box::pin(async move { udp.readable().await }));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }
}

/// Nothing holds a datagram up where it is sent.
#[derive(Debug)]
struct AlwaysWritable;

impl UdpPoller for AlwaysWritable {
    fn poll_writable(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
