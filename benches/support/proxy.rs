//! A proxy that does nothing, for the cost of the script alone.

use std::any::{Any, TypeId};
use std::net::SocketAddr;

use viaduct::mem::ListenerId;
use viaduct::metrics::Counter;
use viaduct::protocol::{Endpoint, Transport};
use viaduct::script::{Host, LogLevel, NextHop, Refusal, Transit};
use viaduct::time::Now;

/// The proxy.
#[derive(Debug)]
pub(crate) struct IdleProxy;

impl Host for IdleProxy {
    fn now(&self) -> Now {
        Now::default()
    }

    fn forward(&mut self, transit: &mut Transit<'_>, _: NextHop<'_>) -> Result<(), Refusal> {
        transit.acted = true;
        Ok(())
    }

    fn reply(&mut self, _: &mut Transit<'_>, _: u16, _: &[u8], _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }

    fn is_myself(&self, host: &[u8], port: Option<u16>) -> bool {
        host == b"192.0.2.1" && port.is_none_or(|port| port == 5060)
    }

    fn listener_endpoint(&self, _: ListenerId) -> Endpoint {
        let address = SocketAddr::from(([192, 0, 2, 1], 5060));
        Endpoint { transport: Transport::Udp, address }
    }

    fn sent_by(&mut self, _: ListenerId) -> &[u8] {
        b"192.0.2.1"
    }

    fn find_listener(&self, _: Option<Transport>, _: &[u8], _: Option<u16>) -> Option<ListenerId> {
        Some(ListenerId(0))
    }

    fn logs(&self, _: LogLevel) -> bool {
        false
    }

    fn log(&mut self, _: LogLevel, _: &[u8]) {}

    fn count(&mut self, _: Counter) {}

    fn random(&self) -> u64 {
        4
    }

    fn service(&self, _: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        None
    }
}
