import hashlib
import json
from typing import Any, Optional


def config_hash(cfg: Optional[dict]) -> Optional[str]:
    """Hash a part's config, except how the part is initialized and trained.

    Args:
        cfg (dict, optional): Config of the part.

    Returns:
        str, optional: sha256 in hex; None for None.
    """
    if cfg is None:
        return None
    text = json.dumps(_strip(cfg), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _strip(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _strip(v)
            for k, v in value.items()
            if k not in ('init_cfg', 'train_cfg')
        }
    if isinstance(value, (list, tuple)):
        return list(map(_strip, value))
    return value
