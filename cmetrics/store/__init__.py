"""The tables of cmetrics in LanceDB: in a folder, in a bucket, or on a cluster."""

from cmetrics.store.postponed import postpone_import

# LanceDB needs the models of this client, but never the client: its 360 functions with checked arguments take 0.5 s
# of the 1.3 s of `import lancedb`.
postpone_import("lance_namespace_urllib3_client")
