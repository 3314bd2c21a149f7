// Carries the precompiled header of koi/tensor/torch.h; holds no code.
