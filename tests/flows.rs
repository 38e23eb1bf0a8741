//! End-to-end flows: phones and servers over real sockets, every message checked and counted.

#[cfg(test)]
#[expect(dead_code, reason = "each test program uses a part of the harness")]
mod support;

#[cfg(test)]
mod flows {
    mod chain;
    mod checks;
    mod default_script;
    mod exec;
    mod forms;
    mod openser;
    mod primisip;
    mod responses;
    mod routes;
}
