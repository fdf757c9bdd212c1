using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--expose-gc"],
  services = [(name = "suite", worker = .suite)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);

const suite :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [MODULES],
  durableObjectNamespaces = [(className = "Suite", uniqueKey = "suite", enableSql = true)],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "SUITE", durableObjectNamespace = "Suite")],
);
