"""An AWS API model as botocore ships it, cut down to what lambari serves."""

import gzip
import json
import pathlib


def merge_patch(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


class Model:
    """`served` are the operations listed in models/services.json; only their shapes become C++ types."""

    def __init__(self, models, services_file, service):
        entry = json.loads(services_file.read_text())[service]
        folder = pathlib.Path(models) / entry["model"]
        raw = json.loads(gzip.decompress((folder / "service-2.json.gz").read_bytes()))
        patch = services_file.parent / "patches" / f"{service}.json"
        if patch.exists():
            raw = merge_patch(raw, json.loads(patch.read_text()))
        self.service = service
        self.entry = entry
        self.metadata = raw["metadata"]
        self.operations = raw["operations"]
        self.shapes = raw["shapes"]
        self.served = entry["operations"]
        unknown = set(self.served) - set(self.operations)
        if unknown:
            raise SystemExit(f"models/services.json: {service} has no operation {sorted(unknown)}")
        self.structures, self.errors = self._reachable()
        self.event_streams = {name for name in self.structures if self.shapes[name].get("eventstream")}
        for name in self.served:
            request = self.operations[name].get("input", {}).get("shape")
            if request and any(self.reaches(request, stream) for stream in self.event_streams):
                raise SystemExit(f"{self.service}: {name} takes an event stream, which the generator does not support")

    def _reachable(self):
        seen, stack, errors = [], [], []
        for name in self.served:
            operation = self.operations[name]
            for side in ("input", "output"):
                if side in operation:
                    stack.append(operation[side]["shape"])
            for error in operation.get("errors", []):
                if error["shape"] not in errors:
                    errors.append(error["shape"])
                    stack.append(error["shape"])
        stack.reverse()
        known = set()
        while stack:
            name = stack.pop()
            if name in known:
                continue
            known.add(name)
            seen.append(name)
            shape = self.shapes[name]
            if shape["type"] == "structure":
                stack.extend(member["shape"] for member in shape["members"].values())
            elif shape["type"] == "list":
                stack.append(shape["member"]["shape"])
            elif shape["type"] == "map":
                stack.extend((shape["key"]["shape"], shape["value"]["shape"]))
        return seen, errors

    def references(self, name):
        """Shapes that `name` mentions, through lists and maps."""
        shape = self.shapes[name]
        if shape["type"] == "structure":
            return [member["shape"] for member in shape["members"].values()]
        if shape["type"] == "list":
            return [shape["member"]["shape"]]
        if shape["type"] == "map":
            return [shape["value"]["shape"]]
        return []

    def reaches(self, start, goal):
        seen, stack = set(), [start]
        while stack:
            for name in self.references(stack.pop()):
                if name == goal:
                    return True
                if name not in seen:
                    seen.add(name)
                    stack.append(name)
        return False

    def ordered_structures(self):
        """Structures so that each comes after those it holds by value."""
        done, order = set(), []

        def visit(name, path):
            if name in done or name in path:
                return
            for other in self.references(name):
                visit(other, path | {name})
            done.add(name)
            if self.shapes[name]["type"] == "structure":
                order.append(name)

        for name in self.structures:
            visit(name, frozenset())
        return order
