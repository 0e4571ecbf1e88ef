"""Contract types of ours for import-linter: what ``.importlinter`` cannot say with the ones that it brings."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_EDGES = frozenset({"api", "graphql"})


class PrivateRooms(Contract):
    """Of another app only the public rooms may be imported; of its edges, by edges, only what is named as shared.

    Tests are exempt, and so are imports of the app's own modules.

    public: rooms (direct children of an app) that every app may import
    shared_edges: modules of an app's edge that the edges of other apps may import
    open_to_all: packages that are public as a whole
    reaching_all: packages that may import anything
    """

    public = fields.SetField(subfield=fields.StringField())
    shared_edges = fields.SetField(subfield=fields.StringField(), required=False)
    open_to_all = fields.SetField(subfield=fields.StringField(), required=False)
    reaching_all = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look at every direct import between two of our packages."""
        ours = set(self.session_options["root_packages"])
        broken = [
            (importer, imported, detail["line_number"])
            for importer in sorted(graph.modules)
            if importer.split(".")[0] in ours
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.split(".")[0] in ours and not self._may(importer, imported)
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name every import that is not allowed, with its line."""
        for importer, imported, line in check.metadata["broken"]:
            output.print_error(f"{importer} is not allowed to import {imported} (l. {line})", bold=False)
        output.new_line()

    def _may(self, importer: str, imported: str) -> bool:
        here, there = importer.split("."), imported.split(".")
        if here[0] == there[0] or there[0] in (self.open_to_all or ()) or here[0] in (self.reaching_all or ()):
            return True
        if "tests" in here:
            return True
        if len(there) > 1 and there[1] in self.public:
            return True
        by_edge = len(here) > 1 and here[1] in _EDGES
        return by_edge and imported in (self.shared_edges or ())
