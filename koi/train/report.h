// report.html: a run at one look, in one file that needs no network.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koi/train/metrics.h"
#include "koi/train/settings.h"

namespace koi::train {

// The step whose checkpoint to take: of the validations whose loss is as good as the best one's
// (higher by no more than the best one's confidence interval) and whose file is among `checkpoints`
// (paths of checkpoint_path), the earliest, for it is the least over-fitted. Nothing where there is
// none.
std::optional<int64_t> suggested_step(const std::vector<Metrics>& rows,
                                      const std::vector<base::fs::path>& checkpoints);

// `rows`: of metrics.jsonl. `notes`: lines on the data. Looks into the run's folders for
// checkpoints, and for what was spoken at validations (samples/step_%09d.wav). UTF-8 HTML that is
// well-formed XML too; every text from outside is escaped.
std::string report_html(const Settings& settings, const std::vector<Metrics>& rows,
                        const std::vector<std::string>& notes);

base::fs::path report_path(const Settings& settings);  // report.html in the run's folder

}  // namespace koi::train
