//! End-to-end flows: phones and servers over real sockets, every message checked and counted.

#[expect(dead_code, reason = "each test program uses a part of the harness")]
mod support;

mod flows {
    mod primisip;
}
