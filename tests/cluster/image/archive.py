#!/usr/bin/env python3
"""Packs files of this machine as a container image of one layer, in an archive of the OCI image layout.

The same input gives the same bytes. `ctr images import` reads the archive; the image has the name given, which needs a
tag other than `latest`, so that a kubelet doesn't look for a newer one in a registry.

https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
"""

import argparse
import hashlib
import io
import json
import pathlib
import re
import subprocess
import tarfile

BUSYBOX = pathlib.Path("/bin/busybox")
# Debian's own choice of authorities, not those that this machine trusts besides.
AUTHORITIES = pathlib.Path("/usr/share/ca-certificates/mozilla")
USERS = b"root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/sh\n"
GROUPS = b"root:x:0:\nnonroot:x:65532:\n"


class Layer:
    """A tar whose entries are root's, undated and ordered as added; folders come by themselves."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.PAX_FORMAT)
        self.paths: set[str] = set()

    def add(self, path: str, mode: int, kind: bytes = tarfile.REGTYPE, content: bytes = b"", target: str = "") -> None:
        path = path.strip("/")
        if path in self.paths:
            return
        parent = path.rpartition("/")[0]
        if parent:
            self.add(parent, 0o755, tarfile.DIRTYPE)
        entry = tarfile.TarInfo(path)
        entry.mode, entry.type, entry.size, entry.linkname = mode, kind, len(content), target
        self.tar.addfile(entry, io.BytesIO(content))
        self.paths.add(path)

    def add_file(self, source: pathlib.Path, path: str) -> None:
        """Adds a file; with the libraries that it is linked to, at the machine's own paths, where the loader looks."""
        self.add(path, 0o755, content=source.read_bytes())
        # Fails for a static program, and says nothing on stdout then.
        linked = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
        if "not found" in linked:
            raise SystemExit(f"{source} needs a library that is missing here:\n{linked}")
        for library in sorted(re.findall(r"(/\S+) \(0x", linked)):
            self.add(library, 0o755, content=pathlib.Path(library).read_bytes())

    def add_busybox(self) -> None:
        self.add_file(BUSYBOX, "bin/busybox")
        listing = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
        for applet in sorted(listing.stdout.split()):
            self.add(f"bin/{applet}", 0o777, tarfile.SYMTYPE, target="busybox")

    def add_certificates(self) -> None:
        bundle = b"".join(file.read_bytes() for file in sorted(AUTHORITIES.glob("*.crt")))
        self.add("etc/ssl/certs/ca-certificates.crt", 0o644, content=bundle)

    def close(self) -> bytes:
        self.tar.close()
        return self.bytes.getvalue()


def build_layer(arguments: argparse.Namespace) -> bytes:
    layer = Layer()
    layer.add("tmp", 0o1777, tarfile.DIRTYPE)
    layer.add("etc/passwd", 0o644, content=USERS)
    layer.add("etc/group", 0o644, content=GROUPS)
    if arguments.busybox:
        layer.add_busybox()
    if arguments.certificates:
        layer.add_certificates()
    for file in arguments.file:
        source, path = file.split("=", 1)
        layer.add_file(pathlib.Path(source), path)
    for link in arguments.link:
        target, path = link.split("=", 1)
        layer.add(path, 0o777, tarfile.SYMTYPE, target=target)
    return layer.close()


def write_archive(arguments: argparse.Namespace, layer: bytes) -> None:
    blobs: dict[str, bytes] = {}

    def blob(kind: str, content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    layer_descriptor = blob("layer.v1.tar", layer)
    process: dict[str, object] = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    if arguments.entrypoint:
        process["Entrypoint"] = [arguments.entrypoint]
    if arguments.user:
        process["User"] = arguments.user
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [layer_descriptor["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", json.dumps(config).encode()),
        "layers": [layer_descriptor],
    }
    tag = arguments.name.rpartition(":")[2]
    names = {"io.containerd.image.name": arguments.name, "org.opencontainers.image.ref.name": tag}
    entry = blob("manifest.v1+json", json.dumps(manifest).encode()) | {"annotations": names}
    archive = Layer()
    archive.add("oci-layout", 0o644, content=b'{"imageLayoutVersion": "1.0.0"}')
    archive.add("index.json", 0o644, content=json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
    for digest, content in blobs.items():
        archive.add(f"blobs/sha256/{digest}", 0o644, content=content)
    arguments.archive.write_bytes(archive.close())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path, help="the archive to write")
    parser.add_argument("name", help="the image's name with its tag")
    parser.add_argument("--file", action="append", default=[], metavar="SOURCE=PATH", help="with its shared libraries")
    parser.add_argument("--link", action="append", default=[], metavar="TARGET=PATH", help="a symbolic link")
    parser.add_argument("--busybox", action="store_true", help="with a shell and the usual commands")
    parser.add_argument("--certificates", action="store_true", help="with the authorities of the web")
    parser.add_argument("--entrypoint", help="the program to start")
    parser.add_argument("--user", help="the number of the user who starts it")
    arguments = parser.parse_args()
    write_archive(arguments, build_layer(arguments))


if __name__ == "__main__":
    main()
