"""Stand-in for ``pulumi-language-python``: runs the project's ``__main__.py`` in this process."""

from __future__ import annotations

import gc
import os
import runpy
import sys
import threading
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from lab.engine.plugin import new_server, run_server
from lab.engine.protocol_only import whole_sdk


class PythonLanguage(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs a program, read from its directory, in the SDK's own inline language server.

    An update starts a second one of these only to ask what it is: the SDK is for :meth:`Run` alone.
    """

    def __init__(self) -> None:
        self._directory = Path.cwd()
        self._lock = threading.Lock()
        # The last word of the plug-in's command line (sdk/go/common/resource/plugin).
        self._engine = sys.argv[1:][-1:]

    # The names of the methods are the protocol's.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Take the engine's greeting; there is nothing to negotiate."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell a version."""
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """Ask for none: each resource that the program registers names its plug-in."""
        return language_pb2.GetRequiredPackagesResponse()

    def About(self, request: Any, context: Any) -> Any:
        """Tell which interpreter runs the program."""
        return language_pb2.AboutResponse(
            executable=sys.executable, version=".".join(map(str, sys.version_info[:3]))
        )

    def Run(self, request: Any, context: Any) -> Any:
        """Run the program; an error that was already logged is not told a second time."""
        with self._lock:
            # The engine gives its address to the plug-in, the SDK's server looks for it here.
            request.args[:] = self._engine
            info = request.info
            self._directory = Path(info.program_directory or request.pwd or Path.cwd())
            whole_sdk()
            from pulumi.automation._server import LanguageServer

            modules = set(sys.modules)
            try:
                server = LanguageServer(self._program)
                response = server.Run(request, context)  # type: ignore[no-untyped-call]
            finally:
                # Not before: outputs are still resolved, by module name, after the program's end.
                self._forget(modules)
        if response.error:
            return language_pb2.RunResponse(bail=True)
        return response

    def _program(self) -> None:
        directory = str(self._directory)
        before, path, arguments = Path.cwd(), list(sys.path), list(sys.argv)
        os.chdir(directory)
        sys.path.insert(0, directory)
        sys.argv = [directory]
        try:
            runpy.run_path(directory, run_name="__main__")
        except SystemExit as error:
            if error.code not in (None, 0):
                from pulumi import RunError

                raise RunError(f"program exited with {error.code}") from None
        finally:
            os.chdir(before)
            sys.path[:] = path
            sys.argv = arguments

    def _forget(self, before: set[str]) -> None:
        """Drop the program's own modules, so that the next run reads them afresh."""
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and "site-packages" not in file and Path(file).is_relative_to(self._directory):
                del sys.modules[name]


def main() -> None:
    """Serve the engine until it ends this process."""
    # A third of the import of pulumi_cloudflare is looking for garbage; this process lives short.
    gc.disable()
    server = new_server()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PythonLanguage(), server)
    run_server(server)
