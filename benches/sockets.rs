//! What a datagram costs at the socket, one by one and in batches, on loopback.
//!
//! The numbers in `src/sys/receive.rs` and `src/sys/send.rs` are from here. On loopback, the time
//! to send includes the way through the kernel into the queue of the receiver.

#![expect(clippy::unwrap_used, reason = "a bench fails by a panic")]

use std::hint::black_box;
use std::net::UdpSocket;
use std::os::fd::AsFd;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use viaduct::sys::{Landings, Outgoing, ReceiveBatch, SendBatch};

/// Datagrams of one measurement.
const COUNT: usize = 64;
/// An ordinary INVITE with a session description is about that long.
const DATAGRAM: [u8; 700] = [b'x'; 700];
const LANDING_BYTES: usize = 2_048;
const BATCHES: [usize; 3] = [1, 16, 64];

/// Two sockets, the near one for sending to the far one.
fn pair() -> (UdpSocket, UdpSocket) {
    let bind = || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    };
    (bind(), bind())
}

/// Empties the queue of a socket.
fn drain(socket: &UdpSocket) {
    let mut bytes = [0; LANDING_BYTES];
    while socket.recv_from(&mut bytes).is_ok() {}
}

/// Receiving what is there.
fn receive(criterion: &mut Criterion) {
    let (near, far) = pair();
    let destination = far.local_addr().unwrap();
    let fill = || {
        for _ in 0..COUNT {
            near.send_to(&DATAGRAM, destination).unwrap();
        }
    };
    let mut group = criterion.benchmark_group("sockets/receive");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("recv_from", |bencher| {
        let mut bytes = [0; LANDING_BYTES];
        let receive = |()| {
            for _ in 0..COUNT {
                black_box(far.recv_from(&mut bytes).unwrap());
            }
        };
        bencher.iter_batched(fill, receive, BatchSize::PerIteration);
    });
    for size in BATCHES {
        let mut batch = ReceiveBatch::new(size);
        let mut memory = vec![0; size * LANDING_BYTES];
        group.bench_function(format!("recvmmsg_{size}"), |bencher| {
            let receive = |()| {
                let mut total = 0;
                while total < COUNT {
                    let landings = Landings::new(&mut memory, LANDING_BYTES);
                    let count = batch.receive(far.as_fd(), landings, size).unwrap();
                    for index in 0..count {
                        black_box(batch.arrival(index));
                    }
                    total += count;
                }
            };
            bencher.iter_batched(fill, receive, BatchSize::PerIteration);
        });
    }
}

/// Sending.
fn send(criterion: &mut Criterion) {
    let (near, far) = pair();
    let destination = far.local_addr().unwrap();
    let outgoing = Outgoing { bytes: &DATAGRAM, destination: &destination, source: None };
    let mut group = criterion.benchmark_group("sockets/send");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("send_to", |bencher| {
        let send = |()| {
            for _ in 0..COUNT {
                black_box(near.send_to(&DATAGRAM, destination).unwrap());
            }
        };
        bencher.iter_batched(|| drain(&far), send, BatchSize::PerIteration);
    });
    for size in BATCHES {
        let mut batch = SendBatch::new(size);
        group.bench_function(format!("sendmmsg_{size}"), |bencher| {
            let send = |()| {
                for _ in 0..COUNT / size {
                    let datagrams = std::iter::repeat_n(outgoing, size);
                    black_box(batch.send(near.as_fd(), datagrams).unwrap());
                }
            };
            bencher.iter_batched(|| drain(&far), send, BatchSize::PerIteration);
        });
    }
}

criterion_group!(benches, receive, send);
criterion_main!(benches);
