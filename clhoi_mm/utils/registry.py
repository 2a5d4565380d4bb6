import importlib
from typing import Any, Callable, Dict, List, Mapping, Optional, Type


class Registry:
    """Classes by name, as mmengine's registry, without mmengine.

    The environment of a VLLM may not hold mmengine. Modules are imported
    when one of their classes is built, so that a class does not need the
    libraries of the others.

    Args:
        what (str): What is registered, for messages.
        modules (Mapping[str, str], optional): Module that registers each
            name. Defaults to None.
    """

    def __init__(
        self, what: str, modules: Optional[Mapping[str, str]] = None
    ) -> None:
        self.what = what
        self._modules = dict(modules or {})
        self._classes: Dict[str, Type[Any]] = {}

    def register_module(
        self, name: Optional[str] = None
    ) -> Callable[[Type[Any]], Type[Any]]:
        """Return a class decorator that registers.

        Args:
            name (str, optional): Name in configs. Defaults to None, the
                class's name.

        Raises:
            KeyError: Another class has the name.
        """

        def register(cls: Type[Any]) -> Type[Any]:
            key = name or cls.__name__
            known = self._classes.get(key, cls)
            # A module that is read again defines the same class anew.
            if _path(known) != _path(cls):
                raise KeyError(
                    f'{self.what} {key!r} is registered already, by '
                    f'{known.__module__}; choose another name'
                )
            self._classes[key] = cls
            return cls

        return register

    def build(self, cfg: Mapping[str, Any]) -> Any:
        """Build an object from its config.

        Args:
            cfg (dict): ``type``, a registered name, and the arguments of the
                constructor.

        Raises:
            KeyError: The name is not registered.
            TypeError: The constructor has no such argument.
            ImportError: A library that it needs is not installed.
        """
        args = dict(cfg)
        name = args.pop('type', None)
        if name in self._modules:
            importlib.import_module(self._modules[name])
        if name not in self._classes:
            raise KeyError(
                f'{self.what}: unknown type {name!r}; there are '
                f'{", ".join(self.names())}'
            )
        return self._classes[name](**args)

    def names(self) -> List[str]:
        """List the names that :meth:`build` knows."""
        return sorted({*self._modules, *self._classes})


def _path(cls: Type[Any]) -> str:
    return f'{cls.__module__}.{cls.__qualname__}'
