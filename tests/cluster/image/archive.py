#!/usr/bin/env python3
"""Packs files of this machine, or of Debian packages unpacked in a folder, as a container image of one layer, in an archive of
the OCI image layout; or joins such archives, one an architecture, under one index.

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

# Debian's own choice of authorities, not those that this machine trusts besides.
AUTHORITIES = "usr/share/ca-certificates/mozilla"
# The name of Debian's folders of libraries, for each of OCI's architectures.
LIBRARIES = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
USERS = b"root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/bin/sh\n"
GROUPS = b"root:x:0:\nnonroot:x:65532:\n"


class Layer:
    """A tar whose entries are root's, undated and ordered as added; folders come by themselves."""

    def __init__(self, root: pathlib.Path = pathlib.Path("/"), architecture: str = "amd64") -> None:
        self.root, self.architecture = root, architecture
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
        """Adds a file; with the libraries that it is linked to, at the root's own paths, where the loader looks."""
        self.add(path, 0o755, content=source.read_bytes())
        libraries: set[str] = set()
        self.find_libraries(source, libraries)
        for library in sorted(libraries):
            self.add(library, 0o755, content=(self.root / library).read_bytes())

    def find_libraries(self, source: pathlib.Path, found: set[str]) -> None:
        # Not `ldd`, which starts the program: it may be of another architecture. Says nothing of a file that is no program.
        read = ["readelf", "--wide", "--program-headers", "--dynamic", source]
        linked = subprocess.run(read, capture_output=True, text=True, check=False).stdout
        loaders = [path.strip("/") for path in re.findall(r"program interpreter: (\S+)\]", linked)]
        names = re.findall(r"\(NEEDED\).*\[(.+)\]", linked)
        triple = LIBRARIES[self.architecture]
        for name in names:
            places = [f"{folder}/{name}" for folder in (f"lib/{triple}", f"usr/lib/{triple}", "lib", "lib64")]
            place = next((place for place in places if (self.root / place).exists()), None)
            if place is None:
                raise SystemExit(f"{source} needs {name}, which is missing in {self.root}")
            # The loader is a library, too, that others name; its place is the one that programs ask for.
            if place not in found and not name.startswith("ld-linux"):
                found.add(place)
                self.find_libraries(self.root / place, found)
        found.update(loaders)

    def add_busybox(self) -> None:
        self.add_file(self.root / "bin/busybox", "bin/busybox")
        # The machine's own can be started whatever the image's architecture is, and has the same applets.
        listing = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True)
        for applet in sorted(listing.stdout.split()):
            self.add(f"bin/{applet}", 0o777, tarfile.SYMTYPE, target="busybox")

    def add_certificates(self) -> None:
        bundle = b"".join(file.read_bytes() for file in sorted((self.root / AUTHORITIES).glob("*.crt")))
        self.add("etc/ssl/certs/ca-certificates.crt", 0o644, content=bundle)

    def close(self) -> bytes:
        self.tar.close()
        return self.bytes.getvalue()


def build_layer(arguments: argparse.Namespace) -> bytes:
    layer = Layer(arguments.root, arguments.architecture)
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
    for path in arguments.packaged:
        layer.add_file(arguments.root / path.strip("/"), path)
    for link in arguments.link:
        target, path = link.split("=", 1)
        layer.add(path, 0o777, tarfile.SYMTYPE, target=target)
    return layer.close()


class Archive:
    """Blobs, and one of them with a name."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def blob(self, kind: str, content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    def write(self, path: pathlib.Path, name: str, entry: dict[str, object]) -> None:
        tag = name.rpartition(":")[2]
        names = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
        index = {"schemaVersion": 2, "manifests": [entry | {"annotations": names}]}
        archive = Layer()
        archive.add("oci-layout", 0o644, content=b'{"imageLayoutVersion": "1.0.0"}')
        archive.add("index.json", 0o644, content=json.dumps(index).encode())
        for digest, content in self.blobs.items():
            archive.add(f"blobs/sha256/{digest}", 0o644, content=content)
        path.write_bytes(archive.close())


def write_image(arguments: argparse.Namespace, layer: bytes) -> None:
    archive = Archive()
    layer_descriptor = archive.blob("layer.v1.tar", layer)
    process: dict[str, object] = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    if arguments.entrypoint:
        process["Entrypoint"] = [arguments.entrypoint]
    if arguments.user:
        process["User"] = arguments.user
    config = {
        "architecture": arguments.architecture,
        "os": "linux",
        "config": process,
        "rootfs": {"type": "layers", "diff_ids": [layer_descriptor["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": archive.blob("config.v1+json", json.dumps(config).encode()),
        "layers": [layer_descriptor],
    }
    archive.write(arguments.archive, arguments.name, archive.blob("manifest.v1+json", json.dumps(manifest).encode()))


def write_joined(arguments: argparse.Namespace) -> None:
    """One archive of the images in others: an index that tells which is for which architecture."""
    archive = Archive()
    manifests = []
    for path in arguments.join:
        with tarfile.open(path) as tar:
            contents = {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}
        [entry] = json.loads(contents["index.json"])["manifests"]
        blobs = {name.rpartition("/")[2]: content for name, content in contents.items() if name.startswith("blobs/")}
        manifest = json.loads(blobs[entry["digest"].removeprefix("sha256:")])
        config = json.loads(blobs[manifest["config"]["digest"].removeprefix("sha256:")])
        del entry["annotations"]
        manifests.append(entry | {"platform": {"architecture": config["architecture"], "os": config["os"]}})
        archive.blobs |= blobs
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
    archive.write(arguments.archive, arguments.name, archive.blob("index.v1+json", json.dumps(index).encode()))


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
    parser.add_argument("--root", type=pathlib.Path, default="/", help="where Debian's files are taken from")
    parser.add_argument("--architecture", choices=LIBRARIES, default="amd64")
    parser.add_argument("--packaged", action="append", default=[], metavar="PATH", help="a file of the root, as --file")
    parser.add_argument("--join", action="append", type=pathlib.Path, metavar="ARCHIVE", help="join these images instead")
    arguments = parser.parse_args()
    if arguments.join:
        write_joined(arguments)
    else:
        write_image(arguments, build_layer(arguments))


if __name__ == "__main__":
    main()
