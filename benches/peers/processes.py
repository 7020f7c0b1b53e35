"""A worker process that answers lines with lines of JSON, within a time limit."""

import json
import os
import pathlib
import selectors
import signal
import subprocess
import time


def family(pid):
    """A process and all that descend from it."""
    list_ = [pid]
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            list_ += family(int(child))
    return list_


class Process:
    """A worker. `greeting` is its first line, or None if there was none."""

    def __init__(self, command, env, limit):
        self.command, self.env, self.limit = command, env, limit
        self.start()

    def start(self):
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        try:
            self.process = subprocess.Popen(self.command, env=self.env, stdin=pipe, stdout=pipe, stderr=silent)
        except OSError as e:
            self.process, self.greeting = None, {"missing": f"{e}"}
        else:
            self.greeting = self.answer()
            self.signal(signal.SIGSTOP)

    def signal(self, number):
        """Stops the worker while others work, or lets it go on: an idle rank of MPI waits at full speed."""
        for pid in family(self.process.pid):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def answer(self):
        """The next line of JSON, or None after the limit or at the end. Libraries in C may print lines of their own."""
        deadline = time.monotonic() + self.limit
        while True:
            with selectors.DefaultSelector() as selector:
                selector.register(self.process.stdout, selectors.EVENT_READ)
                # The limit holds for all lines together: a library may print warnings without end.
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None
            line = self.process.stdout.readline()
            try:
                return json.loads(line) if line.strip() else None
            except json.JSONDecodeError:
                continue

    def ask(self, configuration):
        """One run; a worker that crashes or takes too long is started anew."""
        self.signal(signal.SIGCONT)
        try:
            self.process.stdin.write(f"{configuration}\n".encode())
            self.process.stdin.flush()
            line = self.answer()
        except BrokenPipeError:
            line = None
        if line is not None:
            self.signal(signal.SIGSTOP)
            return line
        try:
            # A process that has closed its output is about to end, if it did not take too long.
            self.process.wait(1)
            crashed = True
        except subprocess.TimeoutExpired:
            crashed = False
        self.stop()
        self.start()
        text = "the process ended" if crashed else f"more than {self.limit:g} s"
        return {"configuration": configuration, "error": text}

    def stop(self):
        """Ends the worker: it leaves at the end of its input, or it is made to."""
        if self.process is None:
            return
        self.signal(signal.SIGCONT)
        try:
            self.process.stdin.close()
            self.process.wait(5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def missing(worker):
    """Why a worker does not work."""
    return (worker.greeting or {}).get("missing", f"{worker.command[0]} does not start its worker")
