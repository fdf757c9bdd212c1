using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "journals", worker = .journals), (name = "disk", disk = (path = "disk", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "journals")],
);

const journals :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  modules = [MODULES],
  durableObjectNamespaces = [(className = "Journals", uniqueKey = "journals", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "JOURNALS", durableObjectNamespace = "Journals")],
);
