"""Serve a model with llama.cpp's own server: ``serve_engine.py GGUF PORT KEY SLOTS``.

Run with the Python of the stress environment. Until told to end it answers as many requests at once
as it has slots; a key that is empty is none.
"""

import signal
import sys

CONTEXT = 2048


def main(model, port, key, slots):
    """Serve until told to end."""
    # only the environment of the stress test has it
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"tiny"}
    params.hostnames, params.port = ["127.0.0.1"], int(port)
    params.api_keys = [key] if key else []
    params.n_parallel = int(slots)
    params.n_ctx = CONTEXT * params.n_parallel
    # one thread that sleeps when it waits: the load generator needs the other processor
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = 1, 0
    params.n_threads_http = 4 * params.n_parallel
    params.ui = params.fit_params = False
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.sigwait([signal.SIGTERM, signal.SIGINT])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
    main(*sys.argv[1:])
