#include "koi/tensor/torch.h"
