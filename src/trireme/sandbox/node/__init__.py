"""The node of the sandbox: what a kubelet and a container runtime do, with bubblewrap for containers.

Follow a pod through it: :mod:`scheduler` binds it, :mod:`node` gives it a :mod:`worker`, whose loop asks
:mod:`decide` (pure) what is next. :mod:`launch` turns the pod's words into a container (:mod:`environment`,
:mod:`volumes`, :mod:`assembly`, :mod:`bubblewrap`) and starts it as a :mod:`runtime`; an :mod:`execution` looks
after that with probes and hooks, and ends it. :mod:`transitions` and :mod:`status` (pure) say what comes of it.

Containers die with the process that runs the node, even by kill -9; what the store says is started again then.
"""
