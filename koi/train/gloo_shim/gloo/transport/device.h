// See declarations.h.
#pragma once

#include "gloo/declarations.h"
