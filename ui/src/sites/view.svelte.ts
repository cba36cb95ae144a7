/** What the page of sites remembers while another one is shown. */
class SitesView {
  search = $state('');
}

export const sitesView = new SitesView();
