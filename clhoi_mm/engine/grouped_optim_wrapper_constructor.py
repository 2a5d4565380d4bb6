from typing import List, Optional, Union

from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from clhoi_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Optimizer constructor with few parameter groups.

    mmengine's constructor makes one group per parameter, and optimizer,
    schedulers and hooks loop over the groups in each iteration. Here the
    parameters of one direct child of the model that have the same options
    share a group.
    """

    def add_params(
        self,
        params: List[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: Optional[Union[int, float]] = None,
    ) -> None:
        """Add all parameters of a module.

        Args:
            params (List[dict]): Parameter groups, modified in place.
            module (nn.Module): The module.
            prefix (str): The module's name in the model, '' for the model.
            is_dcn_module (int | float, optional): See the base class.
        """
        super().add_params(params, module, prefix, is_dcn_module)
        if prefix:
            return
        part = {
            param: name.split('.')[0]
            for name, param in module.named_parameters()
        }
        groups = {}
        for group in params:
            group_params = group.pop('params')
            key = part[group_params[0]], *sorted(group.items())
            groups.setdefault(key, dict(group, params=[]))['params'] += (
                group_params
            )
        params[:] = groups.values()
