// How koi's HTML reports look, by day and by night.
#pragma once

#include <string>

namespace koi::base {

inline const std::string kHtmlStyle = R"(
:root { color-scheme: light dark; --back: #fff; --ink: #1f2328; --soft: #656d76; --grid: #d8dee4;
  --train: #0969da; --val: #bc4c00; --box: #f6f8fa; }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --ink: #e6edf3; --soft: #8d96a0;
  --grid: #30363d; --train: #58a6ff; --val: #f0883e; --box: #161b22; } }
body { background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
[lang=ko] { color: var(--soft); font-weight: normal; }
figure { margin: 0; } figcaption { color: var(--soft); font-size: .9rem; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--soft); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; } polyline.raw { stroke-width: 1; }
.raw { stroke: var(--train); color: var(--train); opacity: .35; }
.smooth { stroke: var(--train); color: var(--train); } .val { stroke: var(--val); color: var(--val); }
circle.val { fill: var(--val); } circle.raw, circle.smooth { fill: var(--train); }
polygon.band { stroke: none; fill: var(--val); opacity: .18; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid var(--grid); padding: .25rem .6rem; text-align: left; }
.bar { fill: var(--train); } .wave { fill: var(--train); } .harm .wave { fill: var(--val); }
.files svg { width: 16rem; height: 2.5rem; } .files td { vertical-align: top; }
.files ul { margin: 0; padding-left: 1.1rem; } .harms { color: var(--val); }
.validations td { white-space: nowrap; } audio { height: 2rem; width: 15rem; vertical-align: middle; }
pre { background: var(--box); padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
)";

}  // namespace koi::base
