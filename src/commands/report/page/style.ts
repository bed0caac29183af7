/** The style sheet: system fonts, two schemes, 320 px to any width, paper. */
import { DARK, LIGHT, type Palette } from "./palette.ts"

const variables = (palette: Palette) =>
  Object.entries(palette)
    .map(([role, colour]) => `--${role}:${colour}`)
    .join(";")

export const STYLE = `
:root{color-scheme:light;${variables(LIGHT)}}
@media screen{
:root[data-theme=dark]{color-scheme:dark;${variables(DARK)}}
}
@media screen and (prefers-color-scheme:dark){
:root:not([data-theme=light]){color-scheme:dark;${variables(DARK)}}
}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif}
.wrap{max-width:72rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1,h2,h3,p,dl,dd,ul,figure{margin:0;padding:0}
h1{font-size:1.6rem;line-height:1.2;letter-spacing:-.01em}
h2{font-size:1.25rem;line-height:1.3}
h3{font-size:1rem;line-height:1.4}
h1,h2,dd,td,th,.note{overflow-wrap:anywhere}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-99rem}
.skip:focus{position:static;display:inline-block;margin-bottom:1rem}
.muted,small{color:var(--muted)}
small{font-size:.85rem}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
header .over{color:var(--muted);font-size:.9rem;margin-bottom:.25rem}
header .sub{color:var(--muted);margin-top:.35rem}
.verdict{display:flex;gap:.75rem;align-items:baseline;margin:1.25rem 0;padding:.75rem 1rem;border-radius:.6rem;border-left:.35rem solid currentColor}
.verdict strong{font-size:1.05rem}
.verdict span{color:var(--text)}
.card{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:1.25rem;margin-top:1.25rem}
.card>*+*{margin-top:1rem}
.head{display:flex;flex-wrap:wrap;gap:.35rem .75rem;align-items:center}
.badge{display:inline-flex;gap:.4em;align-items:center;padding:.1rem .6rem;border-radius:1rem;font-size:.85rem;font-weight:600;white-space:nowrap}
.good{color:var(--good);background:var(--goodTint)}
.warn{color:var(--warn);background:var(--warnTint)}
.bad{color:var(--bad);background:var(--badTint)}
.idle{color:var(--idle);background:var(--idleTint)}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:.9rem 1.25rem}
.facts dt{color:var(--muted);font-size:.85rem}
.facts dd{font-weight:600;font-variant-numeric:tabular-nums}
.facts dd small{display:block;font-weight:400}
.notes{display:grid;gap:.4rem;list-style:none}
.note{padding:.5rem .8rem;border-radius:.5rem}
.note b{font-weight:600}
.note span{color:var(--text)}
.scroll{overflow-x:auto}
.tall{max-height:24rem;max-width:44rem;overflow:auto}
caption{text-align:left;padding:.3rem 0}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.45rem .9rem .45rem 0;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--muted);font-weight:600;font-size:.85rem;white-space:nowrap;border-bottom-color:var(--edge)}
tbody th{font-weight:600}
tbody tr:last-child>*{border-bottom:0}
.num{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
.wide{min-width:14rem}
.name{min-width:8rem}
details>summary{cursor:pointer;font-weight:600;padding:.3rem 0;width:fit-content;max-width:100%}
details>summary small{font-weight:400}
details+details{margin-top:.35rem}
figure>details{margin-top:.6rem}
figure>p{margin-top:.5rem}
.card>div>details:first-child{margin-top:-.65rem}
details[open]>summary{margin-bottom:.4rem}
.plot{position:relative;margin-top:.6rem}
.lane{display:grid;grid-template-columns:11.5rem minmax(0,1fr);gap:0 1rem;align-items:center;min-height:1.9rem}
.lane+.lane{border-top:1px solid var(--line)}
.lane.axis{border-top:0;min-height:0;align-items:start}
.lab{font-size:.88rem;line-height:1.3;padding:.15rem 0}
.lab b{font-weight:600}
.lab small{display:block;font-size:.8rem}
.lane svg{display:block;width:100%;overflow:visible}
.bars{height:7.5rem;margin:.3rem 0 0}
.strip{height:.9rem}
.ticks{height:1.5rem;font-size:.8rem}
.ticks text{fill:var(--muted)}
.ticks line,.grid{stroke:var(--line)}
.ticks line{stroke:var(--edge)}
.m-complete{fill:var(--complete)}
.s-provisional{stroke:var(--provisional)}.s-stale{stroke:var(--stale)}.s-kept{stroke:var(--kept)}.s-missing{stroke:var(--missing)}.s-unproven{fill:var(--unproven)}
.defs{position:absolute;width:0;height:0}
.pick{display:block;width:100%;height:1.6rem;margin:0;background:none;appearance:none;-webkit-appearance:none;cursor:ew-resize}
.pick::-webkit-slider-runnable-track{height:2px;background:var(--edge);border-radius:1px}
.pick::-moz-range-track{height:2px;background:var(--edge);border-radius:1px}
.pick::-webkit-slider-thumb{-webkit-appearance:none;margin-top:calc(1px - .55rem);width:1.1rem;height:1.1rem;border:0;border-radius:50%;background:var(--link);cursor:ew-resize}
.pick::-moz-range-thumb{width:1.1rem;height:1.1rem;border:0;border-radius:50%;background:var(--link);cursor:ew-resize}
.cursor{position:absolute;top:0;bottom:0;width:2px;margin-left:-1px;background:var(--text);opacity:.55;pointer-events:none}
.over-x{position:relative;grid-column:2}
.readout{min-height:1.6em;font-size:.92rem;font-variant-numeric:tabular-nums}
.controls{display:flex;flex-wrap:wrap;gap:.75rem 1.25rem;align-items:end;margin-top:1.25rem}
.controls label{display:grid;gap:.2rem;font-size:.88rem;color:var(--muted)}
.controls label.check{display:flex;gap:.5rem;align-items:center;min-height:2.5rem;color:var(--text)}
.controls input[type=search],.controls select{font:inherit;color:var(--text);background:var(--card);border:1px solid var(--edge);border-radius:.4rem;padding:.35rem .6rem;min-height:2.5rem;max-width:100%}
.controls input[type=checkbox]{width:1.15rem;height:1.15rem;accent-color:var(--link)}
.found{margin-left:auto;align-self:center}
footer{margin-top:2rem;color:var(--muted);font-size:.88rem}
@media (max-width:48rem){
.wrap{padding:1rem .75rem 2rem}
.card{padding:1rem .85rem;border-radius:.6rem}
.lane{grid-template-columns:minmax(0,1fr);padding:.3rem 0}
.lane.axis{padding:0}
.lane.axis .lab:empty{display:none}
.over-x{grid-column:1}
.lab small{display:inline}
.facts{grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.9rem .75rem}
.facts dd{font-size:.95rem}
.bars{height:6rem}
.readout{min-height:3.2em}
.t-odd,.narrow-hide{display:none}
.verdict{flex-wrap:wrap}
.found{margin-left:0}
}
@media print{
body{background:none;font-size:10pt}
.wrap{max-width:none;padding:0}
.card{break-inside:auto;border-color:var(--edge);padding:.8rem}
.head,.plot,tr,.facts{break-inside:avoid}
h2,h3{break-after:avoid}
.controls,.pick,.readout,.cursor,.skip{display:none!important}
.scroll{overflow:visible;max-height:none}
details::details-content{content-visibility:visible;display:block;block-size:auto}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
@media (forced-colors:active){.pick{appearance:auto;-webkit-appearance:auto}.badge,.verdict,.note{border:1px solid}.m-complete{fill:CanvasText}}
`.trim()
