"""Makes container images by hand: OCI layouts, as folders and as tars. https://github.com/opencontainers/image-spec"""

import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile


def tree(root, at, without=("__pycache__",)):
    """The entries of a folder of this host, to lie at `at`."""
    root, entries = pathlib.Path(root), []
    for path in sorted(root.rglob("*")):
        part = path.relative_to(root)
        if any(name in part.parts for name in without):
            continue
        name = f"{at}/{part}"
        if path.is_symlink():
            entries.append((name, ("link", str(path.readlink()))))
        elif path.is_dir():
            entries.append((name + "/", None))
        elif path.is_file():
            entries.append((name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644))
    return entries


def libraries(*paths):
    """What these programs of this host are linked to, where the system looks for it."""
    wanted = set()
    for path in paths:
        told = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        wanted |= {word for word in told.split() if word.startswith("/")}
    return [(("" if path.startswith("/usr/") else "usr/") + path.lstrip("/"), pathlib.Path(path).read_bytes(), 0o755) for path in sorted(wanted)]


MERGED = [("usr/", None), ("usr/lib/", None), ("usr/lib64/", None), ("usr/bin/", None), ("lib", ("link", "usr/lib")), ("lib64", ("link", "usr/lib64")),
          ("bin", ("link", "usr/bin"))]  # as Debian and Amazon Linux have it


def layer(entries):
    """A gzipped tar of (name, content): text or bytes, None for a folder, ("link", to), ("same", as), ("device",); a mode may follow."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content, *mode in entries:
            info = tarfile.TarInfo(name)
            info.mode = mode[0] if mode else (0o755 if content is None else 0o644)
            data = None
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, tuple):
                info.type = {"link": tarfile.SYMTYPE, "same": tarfile.LNKTYPE, "device": tarfile.CHRTYPE}[content[0]]
                info.linkname = content[1] if len(content) > 1 else ""
            else:
                data = content.encode() if isinstance(content, str) else content
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if data is not None else None)
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


class Layout:
    """The files of a layout; `add()` puts an image into it and gives its digest."""

    def __init__(self):
        self.files, self.manifests = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}, []

    def blob(self, data):
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def add(self, tag, layers, layer_type="application/vnd.oci.image.layer.v1.tar+gzip", **config):
        document = {"architecture": "amd64", "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": []}}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self.blob(json.dumps(document).encode())},
                    "layers": [{"mediaType": layer_type, **self.blob(each)} for each in layers]}
        found = {"mediaType": manifest["mediaType"], **self.blob(json.dumps(manifest).encode()),
                 "annotations": {"org.opencontainers.image.ref.name": tag}}
        self.manifests = [each for each in self.manifests if each["annotations"] != found["annotations"]] + [found]
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": self.manifests}).encode()
        return found["digest"]

    def write(self, folder):
        for name, data in self.files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def write_tar(self, path):
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for name, data in sorted(self.files.items(), reverse=True):  # the index need not come first
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
