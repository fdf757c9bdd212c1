using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "requests", worker = .requests)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "requests")],
);

const requests :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [MODULES],
);
